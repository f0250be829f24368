// An attribute that may be there or not.
#pragma once

#include "loader/core/py.h"

namespace epy {

// Of what a look-up found: null without an exception, if all that is wrong is that there is no
// such attribute.
inline ref if_any(PyObject *found) noexcept {
    if (found == nullptr && PyErr_ExceptionMatches(PyExc_AttributeError) != 0) {
        PyErr_Clear();
    }
    return ref(found);
}

// False with a Python exception; empty if there is none.
inline bool find_attribute(PyObject *object, PyObject *name, ref &out) noexcept {
    out = if_any(PyObject_GetAttr(object, name));
    return out || PyErr_Occurred() == nullptr;
}

inline bool find_attribute(PyObject *object, const char *name, ref &out) noexcept {
    out = if_any(PyObject_GetAttrString(object, name));
    return out || PyErr_Occurred() == nullptr;
}

} // namespace epy
