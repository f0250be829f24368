#include "loader/core/values/item_kinds.h"

#include <cstring>

#include "loader/core/cpython.h"
#include "loader/core/values/items.h"

namespace epy {

namespace {

kind kind_of_letter(char letter) {
    if (letter == '\0') {
        return kind::other;
    }
    if (std::strchr("cbB", letter) != nullptr) {
        return kind::byte;
    }
    if (std::strchr("hHiIlLqQnNP", letter) != nullptr) {
        return kind::integer;
    }
    if (std::strchr("efdg", letter) != nullptr) {
        return kind::real;
    }
    if (std::strchr("FDG", letter) != nullptr) {
        return kind::complex_number;
    }
    return letter == '?'                    ? kind::boolean
           : letter == 'u' || letter == 'w' ? kind::wide
                                            : kind::other;
}

} // namespace

ref part_of_type(const module_state &state, PyObject *type) {
    ref found(PyObject_GetAttr(type, state.type_name));
    PyErr_Clear();
    return found;
}

char code_of_simple_type(const module_state &state, PyObject *type) {
    const ref code = part_of_type(state, type);
    const char *text = code && PyUnicode_Check(code.get()) ? PyUnicode_AsUTF8(code.get()) : nullptr;
    PyErr_Clear();
    if (text == nullptr || text[0] == '\0' || text[1] == '\0') {
        return text == nullptr ? '\0' : text[0];
    }
    // Complex numbers since CPython 3.15: Zf, Zd, Zg, before F, D, G.
    return text[0] == 'Z' && text[2] == '\0' ? static_cast<char>(text[1] - 'a' + 'A') : '\0';
}

bool is_pointer_type(const module_state &state, PyObject *type) {
    return is_class_of(type, reinterpret_cast<PyObject *>(state.pointer));
}

item item_of_buffer(const Py_buffer &buffer) {
    const char *format = buffer.format == nullptr ? "B" : buffer.format;
    if (std::strchr("@=<^", *format) != nullptr && *format != '\0') {
        ++format;
    } else if ((*format == '>' || *format == '!') && buffer.itemsize != 1) {
        return {}; // of the other byte order
    }
    if (*format == 'Z') {
        return {kind::complex_number, buffer.itemsize};
    }
    if (std::strncmp(format, "T{", 2) == 0) {
        return {kind::record, buffer.itemsize};
    }
    return std::strlen(format) == 1 ? item{kind_of_letter(*format), buffer.itemsize} : item{};
}

item item_of_type(const module_state &state, PyObject *type) {
    if (is_class_of(type, state.array)) {
        const ref element = part_of_type(state, type);
        return element ? item_of_type(state, element.get()) : item{};
    }
    if (state.headers != nullptr) {
        state.complete_if_struct(*state.headers, type);
        PyErr_Clear();
    }
    const ref size(PyObject_CallOneArg(state.size_of, type));
    item found{kind::record, size ? PyLong_AsSsize_t(size.get()) : -1};
    PyErr_Clear();
    if (is_pointer_type(state, type) ||
        is_class_of(type, reinterpret_cast<PyObject *>(state.function_pointer))) {
        return {kind::integer, found.size, true};
    }
    const ref own =
        ref::borrowed(PyDict_GetItemString(cpython::dict_of_type(type).get(), "_epy_code_"));
    if (own && !is_class_of(type, state.simple)) {
        return {kind::complex_number, found.size};
    }
    if (is_class_of(type, state.simple)) {
        const char letter = code_of_simple_type(state, type);
        found.is_pointer = letter == 'P' || letter == 'z' || letter == 'Z';
        const ref native(PyObject_GetAttr(type, state.native_name));
        PyErr_Clear();
        const bool is_foreign = native && !is_class_of(type, native.get()) && found.size > 1;
        found.what = is_foreign         ? kind::other
                     : found.is_pointer ? kind::integer
                                        : kind_of_letter(letter);
    }
    return found;
}

bool are_records(const item &target, Py_ssize_t size) {
    return target.what == kind::record && target.size > 0 && size > 0 && size % target.size == 0;
}

bool holds(const item &buffer, const item &target) {
    if (buffer.size != target.size || buffer.size <= 0 || target.what == kind::other) {
        return false;
    }
    const bool is_number = target.what == kind::wide && buffer.what == kind::integer; // of a view
    return buffer.what == target.what || is_number;
}

bool are_alike(const module_state &state, PyObject *one, PyObject *other) {
    if (one == other || (PyType_Check(other) != 0 && is_class_of(one, other))) {
        return true;
    }
    if (PyType_Check(one) == 0 || PyType_Check(other) == 0) {
        return false;
    }
    auto *function = reinterpret_cast<PyObject *>(state.function_pointer);
    if (is_class_of(one, function) || is_class_of(other, function)) {
        return is_class_of(one, function) && is_class_of(other, function);
    }
    const bool are_arrays = is_class_of(one, state.array) && is_class_of(other, state.array);
    if (are_arrays || (is_pointer_type(state, one) && is_pointer_type(state, other))) {
        const ref parts[] = {part_of_type(state, one), part_of_type(state, other)};
        const ref sizes[] = {ref(PyObject_CallOneArg(state.size_of, one)),
                             ref(PyObject_CallOneArg(state.size_of, other))};
        const bool same = parts[0] && parts[1] && sizes[0] && sizes[1] &&
                          PyObject_RichCompareBool(sizes[0].get(), sizes[1].get(), Py_EQ) == 1 &&
                          are_alike(state, parts[0].get(), parts[1].get());
        PyErr_Clear();
        return same;
    }
    if (is_class_of(one, state.simple) && is_class_of(other, state.simple)) {
        const item items[] = {item_of_type(state, one), item_of_type(state, other)};
        return items[0].is_pointer == items[1].is_pointer && holds(items[0], items[1]) &&
               (!items[0].is_pointer ||
                PyObject_RichCompareBool(part_of_type(state, one).get(),
                                         part_of_type(state, other).get(), Py_EQ) == 1);
    }
    // The same struct, as another header has it.
    const bool are_of_headers = PyObject_HasAttrString(one, "_epy_classes_") != 0 &&
                                PyObject_HasAttrString(other, "_epy_classes_") != 0;
    return are_of_headers && !is_class_of(one, state.simple) && !is_class_of(other, state.simple) &&
           std::strcmp(reinterpret_cast<PyTypeObject *>(one)->tp_name,
                       reinterpret_cast<PyTypeObject *>(other)->tp_name) == 0 &&
           item_of_type(state, one).size == item_of_type(state, other).size;
}

} // namespace epy
