// The end of views, and who is left with one.
#include <bit>
#include <utility>

#include "loader/core/call/callback.h"
#include "loader/core/call/managed_buffer.h"
#include "loader/core/call/outcome.h"
#include "loader/core/call/scope.h"
#include "loader/core/call/view.h"
#include "loader/core/values/ctypes_library.h"

namespace epy {

namespace {

ref referrers(PyObject *collector, PyObject *object) {
    return ref(PyObject_CallMethod(collector, "get_referrers", "O", object));
}

bool is_ctypes_instance(const module_state &state, PyObject *object) {
    return has_ctypes(state) &&
           PyObject_TypeCheck(object, reinterpret_cast<PyTypeObject *>(state.c_data)) != 0;
}

// A ctypes instance, or the dictionary in which one keeps what its memory belongs to.
bool is_of_ctypes(const module_state &state, PyObject *collector, PyObject *holder) {
    if (is_ctypes_instance(state, holder)) {
        return true;
    }
    const ref owners(PyDict_CheckExact(holder) ? referrers(collector, holder) : ref());
    for (Py_ssize_t i = 0; owners && i < PyList_GET_SIZE(owners.get()); ++i) {
        if (is_ctypes_instance(state, PyList_GET_ITEM(owners.get(), i))) {
            return true;
        }
    }
    return false;
}

// Whether somebody reads the memory by its address: has the buffer exported, or holds a memoryview
// of his own only to keep the memory. numpy's arrays do, which the collector does not know.
bool is_address_taken(const module_state &state, PyObject *managed) {
    const ref collector(PyImport_ImportModule("gc"));
    const ref users(collector ? referrers(collector.get(), managed) : ref());
    for (Py_ssize_t i = 0; users && i < PyList_GET_SIZE(users.get()); ++i) {
        PyObject *user = PyList_GET_ITEM(users.get(), i);
        if (!PyMemoryView_Check(user)) {
            continue;
        }
        const ref holders = referrers(collector.get(), user); // `users` is one
        bool is_taken = reinterpret_cast<PyMemoryViewObject *>(user)->exports > 0 ||
                        (holders && PyList_GET_SIZE(holders.get()) == 1);
        for (Py_ssize_t j = 0; holders && j < PyList_GET_SIZE(holders.get()); ++j) {
            is_taken =
                is_taken || is_of_ctypes(state, collector.get(), PyList_GET_ITEM(holders.get(), j));
        }
        if (is_taken) {
            return true;
        }
    }
    PyErr_Clear();
    return false;
}

// Finding out who holds a view takes a walk over all of Python's objects: done in the first,
// second, fourth, ... call that leaves one, until there is something to report.
void look_at_survivors(callback &called, PyObject *survivors) {
    if (called.address_reported || !std::has_single_bit(++called.calls_with_survivors)) {
        return;
    }
    for (PyObject *managed = survivors; managed != nullptr; managed = next_of(managed)) {
        if (is_address_taken(*called.state, managed)) {
            called.address_reported = true;
            view_error(
                "memory of the host is still read by its address after the call, through an array "
                "for instance, and may be gone: copy it before the call ends, as in "
                "numpy.array(view)");
            report_exception(called);
            return;
        }
    }
}

struct ended_views {
    PyObject *first = nullptr;

    ended_views() = default;
    ~ended_views() {
        while (take_first(first)) {
        }
    }
    ended_views(const ended_views &) = delete;
    ended_views &operator=(const ended_views &) = delete;
};

} // namespace

void end_views(call_extras &extras, PyObject *runner) {
    ended_views survivors; // linked as they were: to end a view takes no memory
    while (ref ended = take_first(extras.views)) {
        _PyManagedBufferObject &managed = as_managed(ended.get());
        // As memoryview.release() leaves one: the collector does not look at it any more.
        PyObject_GC_UnTrack(ended.get());
        managed.flags |= _Py_MANAGED_BUFFER_RELEASED;
        const ref owner(std::exchange(managed.master.obj, nullptr));
        if (Py_REFCNT(&managed) > 1) {
            managed.master.internal = std::exchange(survivors.first, ended.release());
        }
    }
    if (survivors.first != nullptr && Py_IS_TYPE(runner, state_of(Py_TYPE(runner)).callback_type)) {
        look_at_survivors(*reinterpret_cast<callback *>(runner), survivors.first);
    }
}

} // namespace epy
