// How objects end that the collector visits.
#pragma once

#include "loader/core/py.h"

namespace epy {

// The tp_dealloc of a type of the module's that the collector visits, for all that its tp_clear
// lets go.
template <auto clear> void deallocate(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    clear(object);
    type->tp_free(object);
    Py_DECREF(type);
}

} // namespace epy
