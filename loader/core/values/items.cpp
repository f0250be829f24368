#include "loader/core/values/items.h"

#include <cstdarg>
#include <cstdint>
#include <iterator>
#include <set>
#include <string>

#include "loader/core/package.h"
#include "loader/core/process_lock.h"
#include "loader/core/state.h"
#include "loader/core/values/item_kinds.h"
#include "loader/core/values/types.h"

namespace epy {

namespace {

// ctypes' code -> what memoryview and numpy read, or null: characters are bytes, wide ones and
// pointers are integers.
const char *format_of(char code) {
    static constexpr char formats[][2] = {"?", "b", "B", "h", "H", "i", "I",
                                          "l", "L", "q", "Q", "f", "d", "g"};
    const bool is_pointer = code == 'P' || code == 'z' || code == 'Z';
    const char item = is_pointer ? 'L' : code == 'c' ? 'B' : code == 'u' ? 'i' : code;
    for (const auto &one : formats) {
        if (one[0] == item) {
            return one;
        }
    }
    return nullptr;
}

// A number of the other byte order has a class of its own, which names the native one.
bool simple_element_of(const module_state &state, PyObject *type, element &out) {
    const char letter = code_of_simple_type(state, type);
    const ref native(letter != '\0' ? PyObject_GetAttr(type, state.native_name) : nullptr);
    if (native && native.get() != type) {
        return false;
    }
    PyErr_Clear();
    const auto known = type_of(letter);
    out.format = known ? format_of(letter) : nullptr;
    out.size = known ? static_cast<Py_ssize_t>(shape_of(*known).size) : 0;
    return out.format != nullptr;
}

// A format outlives every view, because an array may look at it after the call.
const char *keep_format(std::string text) {
    static auto *formats = new std::set<std::string>;
    const process_guard guard;
    return formats->insert(std::move(text)).first->c_str();
}

// ctypes' own formats of structs leave padding out, at which numpy fails.
bool aggregate_element_of(PyObject *type, element &out) {
    const ref found = package::call(package::describe_items, {type});
    const char *format = nullptr;
    if (!found || PyArg_ParseTuple(found.get(), "sn", &format, &out.size) == 0) {
        return false;
    }
    out.format = keep_format(format);
    return out.size > 0;
}

bool find_element(const module_state &state, PyObject *type, element &out) {
    if (is_class_of(type, reinterpret_cast<PyObject *>(state.pointer))) {
        out = {"L", sizeof(void *)};
        return true;
    }
    if (is_class_of(type, state.simple)) {
        return simple_element_of(state, type, out);
    }
    return is_class_of(type, state.c_data) && aggregate_element_of(type, out);
}

} // namespace

bool view_error(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    package::raise(package::view_error, format, arguments);
    va_end(arguments);
    return false;
}

bool is_class_of(PyObject *type, PyObject *base) {
    return base != nullptr && PyType_Check(type) != 0 &&
           PyType_IsSubtype(reinterpret_cast<PyTypeObject *>(type),
                            reinterpret_cast<PyTypeObject *>(base)) != 0;
}

bool element_of(const module_state &state, PyObject *type, element &out) {
    if (type == Py_None) {
        out = {"B", 1};
        return true;
    }
    auto &recent = state.elements->recent;
    known_element &place = recent[reinterpret_cast<std::uintptr_t>(type) / 64 % std::size(recent)];
    if (place.type == type && PyType_Check(type) != 0 &&
        place.version == reinterpret_cast<PyTypeObject *>(type)->tp_version_tag) {
        out = place.item;
        return true;
    }
    if (!find_element(state, type, out)) {
        return PyErr_Occurred() == nullptr &&
               view_error(
                   "items of a view cannot be of type %R: use a type of ctypes, such as c_double "
                   "or a Structure",
                   type);
    }
    if (const unsigned version = reinterpret_cast<PyTypeObject *>(type)->tp_version_tag) {
        place = {type, version, out};
    }
    return true;
}

} // namespace epy
