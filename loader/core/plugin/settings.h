// What a host sets before it initializes the Python that epy has started: its preconfiguration
// (UTF-8 mode, the locale), and with Py_SetPath where modules are.
#pragma once

#include "loader/core/py.h"
#include "loader/core_api.h"

namespace epy {

// The functions for it lead here where `is_epys` says so.
void take_settings(void (*replace_functions)(const void *, const replacement *,
                                             std::size_t) noexcept,
                   bool (*is_epys)() noexcept) noexcept;

// Python is preconfigured as the host said, or else as CPython does it for this configuration. With
// the GIL. `given`: with the configuration, or null.
PyStatus preconfigure(const PyConfig &, const PyPreConfig *given) noexcept;

// What the host gave Py_SetPath, or null.
const wchar_t *path_that_was_set() noexcept;

} // namespace epy
