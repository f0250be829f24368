#include "loader/core/host/raised.h"

#include <utility>

namespace epy {

constinit thread_local c_call running_c_call;

PyObject *end_c_call(const c_call &outer, PyObject *result) noexcept {
    if (scopes_here.innermost != scopes_here.floor) [[unlikely]] {
        leave_scopes_above_floor(attachment::holds_gil());
    }
    const c_call ended = std::exchange(running_c_call, outer);
    scopes_here.floor = ended.outer_floor;
    if (ended.raised == nullptr && ended.failure == nullptr) [[likely]] {
        return result;
    }
    // Before what runs Python code when references go.
    const ref raised(ended.raised);
    const ref failure(ended.failure);
    if (!raised) {
        return result;
    }
    Py_XDECREF(result);
    PyErr_Clear(); // of a result that does not fit
    PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(raised.get())), raised.get());
    return nullptr;
}

} // namespace epy
