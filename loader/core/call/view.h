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

#include "loader/core/py.h"
#include "loader/core/values/items.h"
#include "loader/core/values/types.h"

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
inline constexpr char view_doc[] =
    "view(pointer, count, type=None, writable=False)\n--\n\n"
    "The host's memory as a memoryview, without a copy: `count` items at `pointer`, until the call "
    "ends.\n\n"
    "`pointer` is a POINTER(T), an array, a c_void_p or an address. `type` is the items' ctypes "
    "type (default: T; of an address: bytes). Numbers read as numbers; char and void are bytes, "
    "wchar_t and pointers integers. A struct has ctypes' format, which numpy reads as fields; "
    "`T.from_buffer_copy(view, offset)` takes one out. `writable` lets Python write: only where C "
    "does not say const.\n\n"
    "The view, its slices and its casts end with the innermost call of a callback on this thread "
    "(of on_load and the script's import: when the plugin has started; of on_unload: after it). "
    "From then on they raise ValueError. An array that took the address (numpy.asarray) cannot be "
    "stopped and would read freed memory: copy what is to stay, as in numpy.array(view) or "
    "bytes(view). epy.error_hook is told once of an export that did not.\n\n"
    "The memory must hold `count` items during the call; that cannot be checked. NULL is fine for "
    "a count of 0. Raises ViewError for NULL with a count, a negative count, a type that has no "
    "items, and where no call of the host runs on the thread (in a thread of the script's own).";
PyObject *view(PyObject *module, PyObject *const *arguments, Py_ssize_t given, PyObject *keywords);

// The scope that made the views is over: of a Callback or a NativePlugin.
void end_views(call_extras &, PyObject *runner);

} // namespace epy
