// What epy adds to ctypes' calls of C functions:
//
// - NULL raises. Hosts pass NULL for the callbacks that they do not want, in structs and as
//   arguments, and ctypes would jump there.
// - A class of epy.Object as the type of the result stands for its handle. ctypes takes it for any
//   callable, which it calls with half of the pointer.
// - What the function has raised with epy_raise is raised.
// - A handle that is made for an argument goes back if the call is refused for another one.
//
// ctypes has no hook for these. Its classes of function pointers all inherit one method, which is
// wrapped here, once, for whoever calls: what was right before stays as it was.
#include "loader/core/host/function_calls.h"

#include <atomic>
#include <cstring>
#include <utility>
#include <vector>

#include "loader/core/guarded.h"
#include "loader/core/host/raised.h"
#include "loader/core/thread/threads.h"
#include "loader/core/thread/unwinding.h"
#include "loader/core/values/contents.h"
#include "loader/core/values/ctypes_library.h"
#include "loader/core/values/handles.h"

namespace epy {

namespace {

std::atomic<ternaryfunc> native_call = nullptr; // ctypes' own, the same for all interpreters

// Of the main interpreter; null until it has a class of epy.Object.
std::atomic<const module_state *> with_handles = nullptr;
std::atomic<unsigned> subs_with_handles = 0; // how many others have one

// Of this interpreter, if it has a class of epy.Object.
const module_state *state_with_handles() {
    const module_state *const main = with_handles.load(std::memory_order_relaxed);
    const unsigned subs = subs_with_handles.load(std::memory_order_relaxed);
    if (main == nullptr && subs == 0) {
        return nullptr;
    }
    if (PyInterpreterState_Get() == PyInterpreterState_Main()) {
        return main;
    }
    const ref name(subs == 0 ? nullptr : PyUnicode_FromString("epy._core"));
    const ref module(name ? PyImport_GetModule(name.get()) : nullptr);
    PyErr_Clear();
    const module_state *found = module ? &state_of(module.get()) : nullptr;
    return found == nullptr || found->object_base == nullptr ? nullptr : found;
}

// ---- handles among the arguments

// The handles that a call has made of its arguments, until it is over.
class argument_handles {
public:
    argument_handles() noexcept : outer_(std::exchange(innermost, this)) {}
    ~argument_handles() { innermost = outer_; }
    argument_handles(const argument_handles &) = delete;
    argument_handles &operator=(const argument_handles &) = delete;

    static void add(PyObject *handle) {
        if (innermost != nullptr) {
            innermost->all_.push_back(ref::borrowed(handle));
        }
    }
    [[nodiscard]] const std::vector<ref> &all() const noexcept { return all_; }

private:
    static constinit thread_local argument_handles *innermost [[gnu::tls_model("initial-exec")]];

    argument_handles *const outer_;
    std::vector<ref> all_;
};

constinit thread_local argument_handles *argument_handles::innermost = nullptr;

// For a handle, or what byref(handle) refers to.
bool note_if_handle(const module_state &state, PyObject *argument) {
    if (PyObject_TypeCheck(argument, state.by_reference)) {
        const ref object(PyObject_GetAttrString(argument, ctypes::referred));
        return object && note_leaving(state, object.get());
    }
    return note_leaving(state, argument);
}

// C has them.
bool note_all(const module_state &state, PyObject *arguments, const argument_handles &made) {
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(arguments); ++index) {
        if (!note_if_handle(state, PyTuple_GET_ITEM(arguments, index))) {
            return false;
        }
    }
    for (const ref &handle : made.all()) {
        if (!note_leaving(state, handle.get())) {
            return false;
        }
    }
    return true;
}

// ---- calls

bool is_null(PyObject *function) {
    const contents place(function, PyBUF_SIMPLE);
    void *address = nullptr;
    if (place) {
        std::memcpy(&address, place.data(), sizeof address);
    }
    return address == nullptr;
}

// The host's code runs in there, whose exceptions are not ours.
PyObject *call_native(PyObject *function, PyObject *arguments, PyObject *named) {
    return run_python([&] { return native_call.load()(function, arguments, named); });
}

// Lets a class of epy.Object as the type of the result mean its handle.
bool prepare_result(const module_state &state, PyObject *function) {
    const ref result(PyObject_GetAttr(function, state.restype_name));
    if (!result) {
        return false;
    }
    if (PyType_Check(result.get()) == 0 ||
        PyType_IsSubtype(reinterpret_cast<PyTypeObject *>(result.get()), state.object_base) == 0) {
        return true;
    }
    const ref handle(PyObject_GetAttrString(result.get(), "_handle_type_"));
    return handle && PyObject_SetAttr(function, state.restype_name, handle.get()) == 0;
}

PyObject *call_with_handles(const module_state &state, PyObject *function, PyObject *arguments,
                            PyObject *named) {
    if (!prepare_result(state, function)) {
        return nullptr;
    }
    const argument_handles made;
    ref result(call_native(function, arguments, named));
    if (!result && PyErr_ExceptionMatches(state.argument_error) != 0) {
        return nullptr; // C was not called
    }
    const exception_set_aside own;
    if (!note_all(state, arguments, made)) {
        PyErr_WriteUnraisable(function);
    }
    return result.release();
}

PyObject *call(PyObject *function, PyObject *arguments, PyObject *named) {
    if (is_null(function)) [[unlikely]] {
        if (PyErr_Occurred() == nullptr) {
            PyErr_SetString(PyExc_ValueError, "call of a NULL function pointer: there is no "
                                              "function; `if function:` tells");
        }
        return nullptr;
    }
    const c_call outer = begin_c_call();
    const module_state *const state = state_with_handles();
    PyObject *result = state == nullptr ? call_native(function, arguments, named)
                                        : call_with_handles(*state, function, arguments, named);
    return end_c_call(outer, result);
}

// A class keeps a copy of the slot that it has inherited.
bool replace_in_subclasses(PyTypeObject *type) {
    const ref subclasses(
        PyObject_CallMethod(reinterpret_cast<PyObject *>(type), "__subclasses__", nullptr));
    for (Py_ssize_t index = 0; subclasses && index < PyList_GET_SIZE(subclasses.get()); ++index) {
        auto *one = reinterpret_cast<PyTypeObject *>(PyList_GET_ITEM(subclasses.get(), index));
        if (!replace_in_subclasses(one)) {
            return false;
        }
    }
    if (type->tp_call == native_call) {
        type->tp_call = guarded<call>;
    }
    return static_cast<bool>(subclasses);
}

} // namespace

bool add_to_function_calls(const module_state &state) {
    PyTypeObject *base = state.function_pointer;
    const ref method(PyObject_GetAttrString(reinterpret_cast<PyObject *>(base), "__call__"));
    if (!method || !Py_IS_TYPE(method.get(), &PyWrapperDescr_Type)) {
        if (method) {
            PyErr_SetString(PyExc_TypeError, "_ctypes.CFuncPtr has another __call__ than its own");
        }
        return false;
    }
    // New classes take their slot from it.
    void *&wrapped = reinterpret_cast<PyWrapperDescrObject *>(method.get())->d_wrapped;
    if (wrapped == slot<call>()) { // by another interpreter's
        return true;
    }
    native_call = reinterpret_cast<ternaryfunc>(wrapped);
    wrapped = slot<call>();
    return replace_in_subclasses(base);
}

void look_for_handles(const module_state &state) noexcept {
    if (state.interpreter == nullptr) {
        with_handles = &state;
    } else {
        subs_with_handles.fetch_add(1);
    }
}

void stop_looking_for_handles(const module_state &state) noexcept {
    if (state.object_base != nullptr) {
        if (state.interpreter == nullptr) {
            with_handles = nullptr;
        } else {
            subs_with_handles.fetch_sub(1);
        }
    }
}

void note_argument(PyObject *handle) { argument_handles::add(handle); }

} // namespace epy
