// The host's memory as a memoryview, until the end of the call in which the view is made.
//
// Each view has a managed buffer of its own, the object through which CPython's memoryviews, their
// slices and casts look before they touch the memory. The scope of the call has a list of them,
// linked through `master.internal`, which is for whoever offers a buffer. When the call ends its
// released flag is set: whatever is left of the view then raises ValueError.
//
// Who has taken the raw address (a numpy array) cannot be stopped. That is reported, once for each
// export.
#pragma once

#include <cstddef>

#include "items.h"
#include "py.h"
#include "types.h"

namespace epy {

struct call_extras;
struct module_state;

// A parameter of type epy.Buffer.
struct buffer_parameter {
    element item;
    std::size_t count; // which parameter holds the number of items
    bool writable;
};

// The argument for a Buffer parameter: a new reference, or null with a Python exception. `place`
// and `count` are the arguments in memory, `number` is the parameter's, for people.
PyObject *buffer_to_python(const buffer_parameter &, const void *place, type count_type,
                           const void *count_place, std::size_t number);

// epy.view
extern const char view_doc[];
PyObject *view(PyObject *module, PyObject *const *arguments, Py_ssize_t given, PyObject *keywords);

// The scope that made the views is over: of a Callback or a NativePlugin.
void end_views(call_extras &, PyObject *runner);

} // namespace epy
