// What a Python runs or reads in a process with raised privileges (loader/trusted.h).
#pragma once

#include <string>

#include "loader/core/py.h"

namespace epy {

// Before Python starts: from now on it imports nothing that others can change. False if the host
// has taken the hook for itself.
bool vet_imports();

// What was refused last, one line; empty if nothing was.
const std::string &last_refusal() noexcept;

// For Python: UntrustedFileError if others can change the file or folder.
PyObject *check_trusted(PyObject *module, PyObject *path);

// For Python: UntrustedFileError if anything was refused since Python started; somebody may have
// caught it.
PyObject *check_refusals(PyObject *module, PyObject *);

// For Python.
PyObject *has_raised_privileges(PyObject *module, PyObject *);

} // namespace epy
