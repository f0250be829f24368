// Functions of Python that are other ones from now on, for whoever calls them by name.
#pragma once

#include <cstddef>

#include "loader/core_api.h"

namespace epy {

// `place` lies in the object that defines them. One that it does not define stays null. To be
// called before anybody can have called one of `replacements`.
void replace_functions(const void *place, const replacement *replacements,
                       std::size_t count) noexcept;

// Of a Python whose start failed, so that nobody bound to it meanwhile: what was replaced is as it
// was before.
void put_functions_back() noexcept;

// Whether the code at `caller` belongs to a program that runs Python inside: to the executable, or
// to a library that is linked with libpython, as a host's are and extension modules are not. Then
// the name of that libpython, empty if there is none; else null.
const char *python_needed_by(const void *caller) noexcept;

} // namespace epy
