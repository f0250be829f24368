// epy.call: a call of the host's function through which exceptions of callbacks pass.
#pragma once

#include "py.h"

namespace epy {

// call(function, *arguments, **keywords), as a Python method. The first exception of a callback
// that the function called directly is raised again; `epy_result` is what the function returned.
PyObject *call_recording(PyObject *module, PyObject *const *arguments, Py_ssize_t count,
                         PyObject *names);

} // namespace epy
