// What is raised where a value does not fit a type of a header. Inside it is a ValueError, whose
// text, if any, says where in the value and why; `epy._headers.misfits` makes of it what a script
// reads.
#pragma once

#include <initializer_list>

#include "loader/core/noted_error.h" // taken_exception, which nearly all who use this need
#include "loader/core/package.h"
#include "loader/core/py.h"

namespace epy {

// Raises ValueError with the text of PyErr_Format.
ref misfit(const char *format = "", ...);

// The same in place of the exception that is set, if it is one of these.
ref misfit_if(std::initializer_list<PyObject *> refusals);

// Whether a value did not fit: the exception that is set is a ValueError, TypeError or
// OverflowError. Not an epy.FieldError, which says all of a part of the value.
bool misfit_is_set();

// Sets the exception that a function of `epy._headers.misfits` makes, of `reason` as its last
// argument.
void raise_misfit(const package::name &function, std::initializer_list<PyObject *> arguments,
                  ref reason);

} // namespace epy
