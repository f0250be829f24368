#include "loader/core/call/view.h"

#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "loader/core/call/managed_buffer.h"
#include "loader/core/call/scope.h"
#include "loader/core/values/ctypes_library.h"

namespace epy {

namespace {

// ---- the memory

struct memory {
    void *address = nullptr;
    ref item_type;             // what the pointer leads to, empty if it does not say
    PyObject *owner = nullptr; // borrowed: the memory may be Python's, through it
};

// Where the bytes of a ctypes instance are, as long as it lives.
void *bytes_of(PyObject *instance) {
    Py_buffer buffer;
    if (PyObject_GetBuffer(instance, &buffer, PyBUF_SIMPLE) != 0) {
        return nullptr;
    }
    PyBuffer_Release(&buffer);
    return buffer.buf;
}

bool memory_of(const module_state &state, PyObject *pointer, memory &out) {
    if (pointer == Py_None) {
        return true;
    }
    if (PyLong_Check(pointer)) {
        out.address = PyLong_AsVoidPtr(pointer);
        if (PyErr_Occurred() != nullptr) {
            PyErr_Clear();
            return view_error("epy.view of %R: no address is that large", pointer);
        }
        return true;
    }
    auto *type = reinterpret_cast<PyObject *>(Py_TYPE(pointer));
    const bool is_array = is_class_of(type, state.array);
    const bool is_pointer = is_class_of(type, reinterpret_cast<PyObject *>(state.pointer));
    const bool is_simple = is_class_of(type, state.simple);
    ref item(is_array || is_pointer || is_simple ? PyObject_GetAttr(type, state.type_name)
                                                 : nullptr);
    const bool is_address =
        is_simple && item && PyUnicode_CompareWithASCIIString(item.get(), "P") == 0;
    if (item && (is_array || is_pointer || is_address)) {
        void *bytes = bytes_of(pointer);
        if (PyErr_Occurred() != nullptr) {
            return false;
        }
        out.owner = pointer;
        if (is_array) {
            out.address = bytes;
        } else {
            std::memcpy(&out.address, bytes, sizeof out.address);
        }
        if (!is_address) {
            out.item_type = std::move(item);
        }
        return true;
    }
    return view_error(
        "epy.view takes a pointer, an array or an address, not %R: let the parameter be a "
        "POINTER(T) or a c_void_p, or take epy.address(struct, \"field\")",
        pointer);
}

// ---- the view

PyObject *new_view(void *address, Py_ssize_t count, const element &item, bool writable,
                   PyObject *owner) {
    if (running.runner == nullptr) {
        view_error(
            "no call of the host runs on this thread, which would end the view: make it in the "
            "call, or use (T * count).from_address(address) if the memory stays");
        return nullptr;
    }
    static char nothing[1];
    Py_ssize_t shape = count;
    Py_ssize_t stride = item.size;
    Py_buffer whole{};
    whole.buf = address == nullptr ? nothing : address;
    whole.len = count * item.size;
    whole.itemsize = item.size;
    whole.readonly = writable ? 0 : 1;
    whole.ndim = 1;
    whole.format = const_cast<char *>(item.format);
    whole.shape = &shape;
    whole.strides = &stride;
    ref made(PyMemoryView_FromBuffer(&whole));
    if (!made) {
        return nullptr;
    }
    ref managed = ref::borrowed(
        reinterpret_cast<PyObject *>(reinterpret_cast<PyMemoryViewObject *>(made.get())->mbuf));
    Py_buffer &master = as_managed(managed.get()).master;
    master.shape = nullptr; // the view has a copy
    master.strides = nullptr;
    master.obj = Py_XNewRef(owner);
    call_extras &extras = extras_of_this_call();
    master.internal = extras.views;
    extras.views = managed.release();
    return made.release();
}

bool fits(Py_ssize_t count, const element &item) {
    return count >= 0 && count <= std::numeric_limits<Py_ssize_t>::max() / item.size;
}

// Negative if no memory holds so many.
template <typename T> Py_ssize_t load_count(const void *source) {
    if constexpr (std::is_integral_v<T>) {
        T value;
        std::memcpy(&value, source, sizeof value);
        return static_cast<Py_ssize_t>(value);
    }
    Py_UNREACHABLE(); // no signature has such a count
}

Py_ssize_t read_count(type code, const void *source) {
    switch (code) {
#define EPY_TYPE(letter, name, c_type, family)                                                     \
    case type::name:                                                                               \
        return load_count<c_type>(source);
#include "loader/core/values/types.def"
    case type::none:
    case type::aggregate:
        break;
    }
    Py_UNREACHABLE();
}

// ---- the function's arguments

class view_arguments {
public:
    // False with a TypeError if they are not what `view` takes.
    bool take(PyObject *const *arguments, Py_ssize_t given, PyObject *keywords) {
        for (Py_ssize_t i = 0; i < given; ++i) {
            if (i >= most) {
                PyErr_Format(PyExc_TypeError, "view() takes %zd arguments, got %zd", most, given);
                return false;
            }
            values_[i] = arguments[i];
        }
        const Py_ssize_t named = keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
        for (Py_ssize_t i = 0; i < named; ++i) {
            if (!take_named(PyTuple_GET_ITEM(keywords, i), arguments[given + i])) {
                return false;
            }
        }
        if (pointer() == nullptr || count() == nullptr) {
            PyErr_SetString(PyExc_TypeError, "view() needs a pointer and a count");
            return false;
        }
        return true;
    }

    [[nodiscard]] PyObject *pointer() const noexcept { return values_[0]; }
    [[nodiscard]] PyObject *count() const noexcept { return values_[1]; }
    [[nodiscard]] PyObject *type() const noexcept {
        return values_[2] == nullptr ? Py_None : values_[2];
    }
    [[nodiscard]] PyObject *writable() const noexcept { return values_[3]; }

private:
    static constexpr Py_ssize_t most = 4;

    bool take_named(PyObject *name, PyObject *value) {
        static constexpr const char *names[most] = {"pointer", "count", "type", "writable"};
        for (Py_ssize_t i = 0; i < most; ++i) {
            if (values_[i] == nullptr && PyUnicode_CompareWithASCIIString(name, names[i]) == 0) {
                values_[i] = value;
                return true;
            }
        }
        PyErr_Format(PyExc_TypeError, "view() has no argument '%U', or has it twice", name);
        return false;
    }

    PyObject *values_[most] = {};
};

} // namespace

PyObject *buffer_to_python(const buffer_parameter &expected, const void *place, type count_type,
                           const void *count_place, std::size_t number) {
    void *address = nullptr;
    std::memcpy(&address, place, sizeof address);
    const Py_ssize_t count = read_count(count_type, count_place);
    if (!fits(count, expected.item)) {
        view_error(
            "parameter %zu is a buffer, but its count (%zd) is no number of items that memory can "
            "hold: the host must pass the right one",
            number, count);
        return nullptr;
    }
    if (address == nullptr && count > 0) {
        return Py_NewRef(Py_None);
    }
    return new_view(address, count, expected.item, expected.writable, nullptr);
}

PyObject *view(PyObject *module, PyObject *const *arguments, Py_ssize_t given, PyObject *keywords) {
    view_arguments all;
    if (!all.take(arguments, given, keywords)) {
        return nullptr;
    }
    if (!PyIndex_Check(all.count())) {
        PyErr_Format(PyExc_TypeError, "epy.view(count=%R): give the number of items", all.count());
        return nullptr;
    }
    const Py_ssize_t count = PyNumber_AsSsize_t(all.count(), nullptr); // the largest, or the least
    const int writable = all.writable() == nullptr ? 0 : PyObject_IsTrue(all.writable());
    if (PyErr_Occurred() != nullptr) {
        return nullptr;
    }
    const module_state &state = state_of(module);
    if (!find_ctypes_if_imported(state)) {
        return nullptr;
    }
    memory found;
    element item{};
    if (!memory_of(state, all.pointer(), found) ||
        !element_of(state,
                    all.type() != Py_None ? all.type()
                    : found.item_type     ? found.item_type.get()
                                          : Py_None,
                    item)) {
        return nullptr;
    }
    if (!fits(count, item)) {
        view_error("epy.view of %zd items: give a count of 0 or more that memory can hold", count);
        return nullptr;
    }
    if (found.address == nullptr && count > 0) {
        view_error("epy.view of %zd items at NULL: check the pointer before", count);
        return nullptr;
    }
    return new_view(found.address, count, item, writable != 0, found.owner);
}

} // namespace epy
