#include "loader/core/host/kept_gil.h"

#include <cstring>
#include <utility>

#include "loader/core/attribute.h"
#include "loader/core/cpython.h"
#include "loader/core/host/raised.h"
#include "loader/core/thread/context.h"
#include "loader/core/thread/state_change.h"
#include "loader/core/values/contents.h"
#include "loader/core/values/ctypes_library.h"

// as_found_x86_64.S
extern "C" [[gnu::visibility("hidden")]] void epy_call_as_found();
extern "C" [[gnu::visibility("hidden")]] void *epy_begin_host_call() noexcept;
extern "C" [[gnu::visibility("hidden")]] void epy_end_host_call() noexcept;

namespace epy {

namespace {

constexpr char subclass_name[] = "_epy_keeps_gil_";

bool take_over(PyObject *body, PyObject *cls, const char *name) {
    ref value;
    return find_attribute(cls, name, value) &&
           (!value || PyDict_SetItemString(body, name, value.get()) == 0);
}

ref make_subclass(PyTypeObject *type, long flags) {
    auto *cls = reinterpret_cast<PyObject *>(type);
    const ref body(Py_BuildValue("{s:l}", ctypes::flags, flags | ctypes::keeps_gil));
    if (!body || !take_over(body.get(), cls, ctypes::result_type) ||
        !take_over(body.get(), cls, ctypes::argument_types)) {
        return {};
    }
    return ref(PyObject_CallFunction(reinterpret_cast<PyObject *>(Py_TYPE(cls)), "s(O)O",
                                     type->tp_name, cls, body.get()));
}

// What the object says in place of its class. False with a Python exception.
bool copy_if_own(PyObject *function, PyObject *made, const char *name, const char *of_class) {
    const ref own(PyObject_GetAttrString(function, name));
    ref inherited;
    if (!own ||
        !find_attribute(reinterpret_cast<PyObject *>(Py_TYPE(function)), of_class, inherited)) {
        return false;
    }
    const bool same = inherited ? own.get() == inherited.get() : own.get() == Py_None;
    return same || PyObject_SetAttrString(made, name, own.get()) == 0;
}

// Names, defaults and directions of the parameters, borrowed; null if the function has none. No
// attribute gives them; of what a function pointer refers to, only they are a tuple of tuples.
PyObject *parameter_flags(PyObject *function) {
    const auto look = [](PyObject *one, void *found) {
        bool is_it = PyTuple_CheckExact(one) != 0 && PyTuple_GET_SIZE(one) != 0;
        for (Py_ssize_t i = 0; is_it && i < PyTuple_GET_SIZE(one); ++i) {
            is_it = PyTuple_CheckExact(PyTuple_GET_ITEM(one, i)) != 0;
        }
        if (is_it) {
            *static_cast<PyObject **>(found) = one;
        }
        return 0;
    };
    PyObject *found = nullptr;
    Py_TYPE(function)->tp_traverse(function, look, &found);
    return found;
}

// They can be given with a library and a name only. Where the one has them, the other has NULL.
void copy_parameter_flags(PyObject *function, PyObject *made) {
    PyObject *const flags = parameter_flags(function);
    const auto size = static_cast<std::size_t>(Py_TYPE(function)->tp_basicsize);
    for (std::size_t at = sizeof(PyObject); flags != nullptr && at < size; at += sizeof flags) {
        auto *const from = reinterpret_cast<PyObject **>(reinterpret_cast<char *>(function) + at);
        auto *const to = reinterpret_cast<PyObject **>(reinterpret_cast<char *>(made) + at);
        if (*from == flags && *to == nullptr) {
            *to = Py_NewRef(flags);
            break;
        }
    }
}

// An instance of that class which is otherwise the same; itself if its calls do keep it.
ref keeping_gil(PyObject *function) {
    const ref cls = class_that_keeps_gil(Py_TYPE(function));
    if (!cls || cls.get() == reinterpret_cast<PyObject *>(Py_TYPE(function))) {
        return cls ? ref::borrowed(function) : ref();
    }
    void *address = nullptr;
    {
        const contents place(function, PyBUF_SIMPLE);
        if (!place) {
            return {};
        }
        std::memcpy(&address, place.data(), sizeof address);
    }
    ref made(PyObject_CallFunction(cls.get(), "N", PyLong_FromVoidPtr(address)));
    if (!made || !copy_if_own(function, made.get(), "restype", ctypes::result_type) ||
        !copy_if_own(function, made.get(), "argtypes", ctypes::argument_types) ||
        !copy_if_own(function, made.get(), "errcheck", ctypes::result_check)) {
        return {};
    }
    copy_parameter_flags(function, made.get());
    return made;
}

constinit thread_local host_call *innermost [[gnu::tls_model("initial-exec")]] = nullptr;

} // namespace

ref class_that_keeps_gil(PyTypeObject *type) {
    auto *cls = reinterpret_cast<PyObject *>(type);
    const ref flags(PyObject_GetAttrString(cls, ctypes::flags));
    const long bits = flags ? PyLong_AsLong(flags.get()) : -1;
    if (bits == -1) {
        return {};
    }
    if ((bits & ctypes::keeps_gil) != 0) {
        return ref::borrowed(cls);
    }
    PyObject *known = PyDict_GetItemString(cpython::dict_of_type(cls).get(), subclass_name);
    if (known != nullptr) {
        return ref::borrowed(known);
    }
    ref made = make_subclass(type, bits);
    return made && PyObject_SetAttrString(cls, subclass_name, made.get()) == 0 ? std::move(made)
                                                                               : ref();
}

host_call::host_call(const module_state &state, PyObject *function) {
    const bool keeps = running.found() != found_gil::free && has_ctypes(state) &&
                       PyObject_TypeCheck(function, state.function_pointer) != 0;
    function_ = keeps ? keeping_gil(function) : ref::borrowed(function);
    if (!function_ || function_.get() == function) {
        return;
    }
    const contents memory(function_.get(), PyBUF_SIMPLE);
    auto *const place = memory ? static_cast<void **>(memory.data()) : nullptr;
    if (place == nullptr) {
        function_ = ref();
    } else if (*place != nullptr) {
        place_ = place;
        target_ = std::exchange(*place, reinterpret_cast<void *>(&epy_call_as_found));
        outer_ = std::exchange(innermost, this);
    }
}

host_call::~host_call() {
    if (target_ != nullptr) {
        innermost = outer_;
        if (place_ != nullptr) { // the call was refused
            *place_ = target_;
        }
    }
}

// From here on the function pointer is what it seems, for an errcheck that keeps it.
void *host_call::take_target() noexcept {
    *std::exchange(innermost->place_, nullptr) = innermost->target_;
    return innermost->target_;
}

PyObject *call_as_found(PyObject *module, PyObject *const *arguments, Py_ssize_t count,
                        PyObject *names) {
    if (count < 1) {
        PyErr_SetString(PyExc_TypeError, "call_as_found takes a function, then its arguments");
        return nullptr;
    }
    const host_call now(state_of(module), arguments[0]);
    return now.function() == nullptr
               ? nullptr
               : PyObject_Vectorcall(now.function(), arguments + 1,
                                     static_cast<std::size_t>(count - 1), names);
}

} // namespace epy

void *epy_begin_host_call() noexcept {
    void *const target = epy::host_call::take_target();
    if (is_changed(epy::running.found())) {
        epy::state_change::take_back();
    }
    return target;
}

void epy_end_host_call() noexcept {
    epy::leave_scopes_of_c_call();
    if (is_changed(epy::running.found())) {
        epy::state_change::make_again();
    }
}
