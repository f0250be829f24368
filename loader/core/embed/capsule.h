// The capsule `epy._C_API`: what loader/include/epy_core.h promises other extension modules.
#pragma once

#include "loader/core/py.h"

namespace epy {

// Method of the module: public_capsule() -> the capsule.
PyObject *public_capsule(PyObject *module, PyObject *);

} // namespace epy
