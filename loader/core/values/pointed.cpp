#include "loader/core/values/pointed.h"

#include <cstring>
#include <cwchar>

#include "loader/core/attribute.h"
#include "loader/core/values/contents.h"
#include "loader/core/values/ctypes_library.h"
#include "loader/core/values/does_not_fit.h"
#include "loader/core/values/handles.h"
#include "loader/core/values/item_kinds.h"
#include "loader/core/values/items.h"

namespace epy {

namespace {

PyObject *type_of_value(PyObject *value) { return reinterpret_cast<PyObject *>(Py_TYPE(value)); }

bool is_instance_of(PyObject *value, PyObject *type) {
    return type != nullptr && is_class_of(type_of_value(value), type);
}

fit no(pointed &out, const char *reason) {
    out.reason = reason;
    return fit::no;
}

// ---- addresses

fit from_integer(PyObject *number, pointed &out) {
    int overflow = 0;
    const long long small = PyLong_AsLongLongAndOverflow(number, &overflow);
    out.address = static_cast<std::uint64_t>(small); // negative too: C programs like (void *)-1
    if (overflow > 0) {
        out.address = PyLong_AsUnsignedLongLong(number);
    }
    if (overflow < 0 || PyErr_Occurred() != nullptr) {
        PyErr_Clear();
        does_not_fit(number, "void *", "an address has 64 bits");
        return fit::error;
    }
    return fit::yes;
}

// The pointer that a ctypes object holds.
fit held_by(PyObject *instance, pointed &out) {
    const contents memory(instance, PyBUF_SIMPLE);
    if (!memory) {
        return fit::error;
    }
    std::memcpy(&out.address, memory.data(), sizeof out.address);
    out.keep = with_targets(instance);
    return out.keep ? fit::yes : fit::error;
}

// Where a ctypes object lies.
fit place_of(PyObject *instance, pointed &out) {
    const contents memory(instance, PyBUF_SIMPLE);
    if (!memory) {
        return fit::error;
    }
    out.address = reinterpret_cast<std::uintptr_t>(memory.data());
    out.keep = with_targets(instance);
    return out.keep ? fit::yes : fit::error;
}

// The address behind ctypes.byref(instance, offset).
fit from_reference(const module_state &state, PyObject *reference, pointed &out) {
    const ref pointer(
        PyObject_CallFunctionObjArgs(state.cast, reference, state.void_pointer, nullptr));
    const ref object(PyObject_GetAttrString(reference, ctypes::referred));
    if (!pointer || !object || held_by(pointer.get(), out) != fit::yes) {
        return fit::error;
    }
    out.keep = with_targets(object.get()); // the collector does not see through the reference
    return out.keep ? fit::yes : fit::error;
}

// Whether a ctypes object, where it lies, is what the pointer leads to.
bool is_target(const module_state &state, PyObject *type, PyObject *target) {
    if (target == nullptr || are_alike(state, type, target)) {
        return true;
    }
    if (!is_class_of(type, state.array)) {
        return false;
    }
    const ref item = part_of_type(state, type);
    return item && are_alike(state, item.get(), target);
}

// ---- memory of other objects

fit from_buffer(const module_state &state, PyObject *target, PyObject *value, pointed &out) {
    ref view(PyMemoryView_FromObject(value)); // for as long as it is there nobody resizes
    if (!view) {
        PyErr_Clear();
        return no(out, "its memory cannot be had");
    }
    const Py_buffer &buffer = *PyMemoryView_GET_BUFFER(view.get());
    const item items = item_of_buffer(buffer);
    if (target != nullptr) {
        const item wanted = item_of_type(state, target);
        const bool fits =
            holds(items, wanted) || (items.what == kind::byte && are_records(wanted, buffer.len));
        if (!fits) {
            out.reason = "its items have the format '";
            out.reason += buffer.format == nullptr ? "B" : buffer.format;
            out.reason += "'";
            return fit::no;
        }
    }
    if (PyBuffer_IsContiguous(&buffer, 'A') == 0) {
        return no(out, "its memory is not contiguous: copy it");
    }
    if (buffer.readonly != 0 && items.what != kind::byte) {
        return no(out, "its memory is read-only: copy it");
    }
    out.address = reinterpret_cast<std::uintptr_t>(buffer.buf);
    out.keep = std::move(view);
    return fit::yes;
}

void has_a_nul(PyObject *string) {
    PyErr_Format(PyExc_ValueError, "%R has a NUL, where a C string ends", string);
}

bool are_characters(const module_state &state, PyObject *target) {
    return target == nullptr || item_of_type(state, target).what == kind::byte;
}

// Of wchar_t, a copy.
fit from_wide_text(PyObject *value, pointed &out) {
    Py_ssize_t length = 0;
    wchar_t *const text = PyUnicode_AsWideCharString(value, &length);
    if (text == nullptr) {
        return fit::error;
    }
    out.keep =
        ref(PyBytes_FromStringAndSize(reinterpret_cast<const char *>(text),
                                      (length + 1) * static_cast<Py_ssize_t>(sizeof(wchar_t))));
    const bool has_nul = std::wcslen(text) != static_cast<std::size_t>(length);
    PyMem_Free(text);
    if (has_nul) {
        has_a_nul(value);
    }
    if (!out.keep || has_nul) {
        return fit::error;
    }
    out.address = reinterpret_cast<std::uintptr_t>(PyBytes_AS_STRING(out.keep.get()));
    return fit::yes;
}

// Of bytes, or of a str's UTF-8.
fit from_narrow_text(PyObject *value, pointed &out) {
    const char *text = PyBytes_Check(value) ? PyBytes_AS_STRING(value) : text_of(value);
    if (text == nullptr) {
        return fit::error;
    }
    out.address = reinterpret_cast<std::uintptr_t>(text);
    out.keep = ref::borrowed(value);
    return fit::yes;
}

fit from_text(const module_state &state, PyObject *target, PyObject *value, pointed &out) {
    if (target != nullptr && PyUnicode_Check(value) != 0 &&
        item_of_type(state, target).what == kind::wide) {
        return from_wide_text(value, out);
    }
    const bool are_bytes = PyBytes_Check(value) != 0;
    if (!are_characters(state, target) &&
        !(are_bytes && are_records(item_of_type(state, target), PyBytes_GET_SIZE(value)))) {
        return !are_bytes ? fit::no
                          : no(out, "bytes are characters: make an array of numbers of them, as in "
                                    "array.array('d', data)");
    }
    return from_narrow_text(value, out);
}

// An object of ctypes.
fit from_instance(const module_state &state, PyObject *target, PyObject *value, pointed &out) {
    PyObject *type = type_of_value(value);
    if (target == nullptr &&
        is_class_of(type, reinterpret_cast<PyObject *>(state.function_pointer))) {
        return held_by(value, out);
    }
    if (target != nullptr && is_target(state, type, target)) {
        return place_of(value, out);
    }
    const ref part = part_of_type(state, type);
    if (is_pointer_type(state, type)) {
        return target == nullptr || (part && are_alike(state, part.get(), target))
                   ? held_by(value, out)
                   : no(out, "ctypes.cast makes it another pointer");
    }
    if (is_class_of(type, state.simple) && part && PyUnicode_Check(part.get())) {
        const Py_UCS4 code = PyUnicode_READ_CHAR(part.get(), 0);
        const bool leads_there =
            code == 'P' || (code == 'z' && are_characters(state, target)) ||
            (code == 'Z' && (target == nullptr || item_of_type(state, target).what == kind::wide));
        if (leads_there) {
            return note_leaving(state, value) ? held_by(value, out) : fit::error;
        }
        if (code == 'O') {
            return fit::no;
        }
    }
    return target == nullptr ? place_of(value, out) : fit::no;
}

// `address`, as callbacks have it. No if there is none.
fit from_address_of(PyObject *value, pointed &out) {
    ref given;
    if (!find_attribute(value, "address", given)) {
        return fit::error;
    }
    if (!given || !PyLong_Check(given.get())) {
        return fit::no;
    }
    out.keep = ref::borrowed(value);
    return from_integer(given.get(), out);
}

} // namespace

fit text_points_to(PyObject *value, bool is_wide, pointed &out) {
    return is_wide ? from_wide_text(value, out) : from_narrow_text(value, out);
}

fit points_to(const module_state &state, PyObject *target, PyObject *value, pointed &out) {
    if (value == Py_None) {
        return fit::yes;
    }
    if (PyLong_Check(value)) {
        return from_integer(value, out);
    }
    if (PyBytes_Check(value) || PyUnicode_Check(value)) {
        return from_text(state, target, value, out);
    }
    if (!find_ctypes_if_imported(state)) {
        return fit::error;
    }
    if (is_instance_of(value, state.c_data)) {
        return from_instance(state, target, value, out);
    }
    if (Py_IS_TYPE(value, state.by_reference)) {
        const ref object(PyObject_GetAttrString(value, ctypes::referred));
        return !object ? fit::error
               : is_target(state, type_of_value(object.get()), target)
                   ? from_reference(state, value, out)
                   : fit::no;
    }
    if (PyObject_CheckBuffer(value) != 0) {
        return from_buffer(state, target, value, out);
    }
    if (target == nullptr) {
        if (const fit found = from_address_of(value, out); found != fit::no) {
            return found;
        }
    }
    if (target != nullptr && is_object(state, value)) {
        return fit::no; // what a typed pointer leads to is no object of Python's
    }
    ref meant; // as ctypes has it
    if (PyType_Check(value) != 0 || !find_attribute(value, ctypes::as_parameter, meant)) {
        return PyErr_Occurred() != nullptr ? fit::error : fit::no;
    }
    if (!meant || Py_EnterRecursiveCall(" in _as_parameter_") != 0) {
        return meant ? fit::error : fit::no;
    }
    const fit found = points_to(state, target, meant.get(), out);
    Py_LeaveRecursiveCall();
    if (is_object(state, value)) {
        out.keep = ref(); // the host's reference does
    }
    return found;
}

fit points_to_function(const module_state &state, PyObject *value, pointed &out) {
    if (value == Py_None) {
        return fit::yes;
    }
    if (PyLong_Check(value)) {
        return from_integer(value, out);
    }
    if (!find_ctypes_if_imported(state)) {
        return fit::error;
    }
    auto *function = reinterpret_cast<PyObject *>(state.function_pointer);
    if (is_instance_of(value, function) || is_instance_of(value, state.void_pointer)) {
        return held_by(value, out);
    }
    return is_instance_of(value, state.c_data) ? fit::no : from_address_of(value, out);
}

const char *text_of(PyObject *string) {
    Py_ssize_t length = 0;
    const char *text = PyUnicode_AsUTF8AndSize(string, &length); // strict; lives as long as the str
    if (text != nullptr && std::strlen(text) != static_cast<std::size_t>(length)) {
        has_a_nul(string);
        return nullptr;
    }
    return text;
}

namespace {

// Whether `_objects` have anything: empty dictionaries only stand for a struct's members.
bool lead_anywhere(PyObject *objects) {
    if (!PyDict_Check(objects)) {
        return objects != Py_None;
    }
    Py_ssize_t position = 0;
    PyObject *value = nullptr;
    while (PyDict_Next(objects, &position, nullptr, &value) != 0) {
        if (lead_anywhere(value)) {
            return true;
        }
    }
    return false;
}

} // namespace

ref with_targets(PyObject *instance) {
    const ref objects(PyObject_GetAttrString(instance, ctypes::objects));
    if (!objects || !lead_anywhere(objects.get())) {
        return objects ? ref::borrowed(instance) : ref();
    }
    const ref now = PyDict_Check(objects.get()) ? ref(PyDict_Copy(objects.get()))
                                                : ref::borrowed(objects.get());
    return now ? ref(PyTuple_Pack(2, instance, now.get())) : ref();
}

} // namespace epy
