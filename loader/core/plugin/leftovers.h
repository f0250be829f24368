// What an unloaded plugin leaves behind.
#pragma once

#include "loader/core/py.h"

namespace epy {

// make_young(objects) -> the generation to collect: what the objects in the list lead to is then in
// it, and nearly nothing else.
PyObject *make_young(PyObject *core, PyObject *objects);

} // namespace epy
