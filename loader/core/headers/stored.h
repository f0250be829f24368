// Python values -> what ctypes stores in memory of a C type of a header: checked, and kept alive.
//
// What a stored value needs is kept by ctypes' `_objects` where Python owns the memory; for other
// memory see kept_values.h.
#pragma once

#include "loader/core/headers/kept_values.h"

namespace epy {

// What ctypes stores for a value, and in `storing` what that needs. Empty with a Python exception:
// see misfits.h.
ref stored(const header_types &, PyObject *ctype, PyObject *value, storing &);

// The same in memory of Python's.
ref stored(const header_types &, PyObject *ctype, PyObject *value);

// The same for a function pointer: `kind` is the function's type, of which `classes` makes
// callbacks; both are null where `ctype` is no type of a header.
ref stored_function(const header_types &, PyObject *ctype, PyObject *value, storing &,
                    header_classes *classes, PyObject *kind);

// For a scope that converts what does not last (a dict for an argument, for a struct by value): the
// callbacks that this thread makes of callables live until unload all the same, as everywhere else
// where the host may keep a copy of their address.
class lasting_callbacks {
public:
    lasting_callbacks() noexcept;
    ~lasting_callbacks();
    lasting_callbacks(const lasting_callbacks &) = delete;
    lasting_callbacks &operator=(const lasting_callbacks &) = delete;

private:
    const bool outer_;
};

// Method of the module `_core`.
PyObject *instance(PyObject *module, PyObject *arguments);

} // namespace epy
