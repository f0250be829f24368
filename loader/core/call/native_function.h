// epy.NativeFunction: what `epy.export` and `epy.callback` return.
//
// There are two kinds. An epy._core.Callback is one by itself. Where a script uses ctypes it gets
// an instance of the ctypes function type, whose class inherits from this one too and which holds
// the callback: see epy/_instances.py.
#pragma once

#include "loader/core/state.h"

namespace epy {

extern PyType_Spec native_function_spec;

// Slots and properties of a Callback, as the function that it is for Python.
PyObject *call_python_function(PyObject *callback, PyObject *arguments, PyObject *named);
PyObject *get_callback_attribute(PyObject *callback, PyObject *name);
PyObject *get_callback_itself(PyObject *callback, void *);
PyObject *get_callback_types(PyObject *callback, void *);
PyObject *get_callback_argument(PyObject *callback, void *);

} // namespace epy
