// Modules that a host builds in: what it calls PyImport_AppendInittab and PyImport_ExtendInittab
// for, before it initializes Python, while epy's runs already.
//
// CPython takes a copy of its table when it starts, and from 3.12 on ends the process if somebody
// adds to it later. But the copy refers to names and functions. So epy's Python starts with entries
// whose names are empty, which nothing imports; an entry becomes the host's when its name is
// written. The import system does the rest, in sub-interpreters too.
#pragma once

#include "loader/core/py.h"

namespace epy {

// Before Python is started. False without memory.
bool reserve_built_in_modules() noexcept;

// What PyImport_AppendInittab answers: -1 if it cannot be.
int add_built_in_module(const char *name, PyObject *(*init)()) noexcept;
bool add_built_in_modules(const _inittab *, Py_ssize_t count) noexcept;

// In the running Python, with its GIL: sys.builtin_module_names. False with an exception.
bool list_built_in_modules();

} // namespace epy
