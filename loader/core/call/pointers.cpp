#include "loader/core/call/pointers.h"

#include <cstring>

#include "loader/core/headers/header_types.h"
#include "loader/core/headers/misfits.h"
#include "loader/core/headers/stored.h"
#include "loader/core/package.h"
#include "loader/core/values/contents.h"
#include "loader/core/values/ctypes_library.h"
#include "loader/core/values/does_not_fit.h"
#include "loader/core/values/items.h"
#include "loader/core/values/pointed.h"

namespace epy {

namespace {

bool is_class(const parameter &expected, PyTypeObject *base) {
    return expected.instance_of &&
           is_class_of(expected.instance_of.get(), reinterpret_cast<PyObject *>(base));
}

bool is_text(PyObject *value) { return PyBytes_Check(value) || PyUnicode_Check(value); }

// The pointer that a ctypes object holds, which is kept.
bool take_pointer(ref made, c_value &out) {
    const contents pointer(made.get(), PyBUF_SIMPLE);
    if (!pointer) {
        return false;
    }
    std::memcpy(&out.bits, pointer.data(), sizeof out.bits);
    out.keep = std::move(made);
    return true;
}

// A Python callable where a function pointer is due: its callback, which lives as long as the
// plugin.
bool callback_from_python(const module_state &state, const parameter &expected, PyObject *function,
                          c_value &out) {
    ref made(PyObject_CallFunctionObjArgs(state.callback_maker, expected.instance_of.get(),
                                          function, nullptr));
    return made && take_pointer(std::move(made), out);
}

// What the pointer leads to: a type of ctypes, null for void. False with a Python exception.
bool find_target(const module_state &state, const parameter &expected, ref &target) {
    if (is_class(expected, state.pointer)) {
        target = ref(PyObject_GetAttr(expected.instance_of.get(), state.type_name));
        return static_cast<bool>(target);
    }
    const bool is_narrow = expected.code == type::c_string || expected.code == type::utf8_string;
    if (is_narrow || expected.code == type::wide_string) {
        if (!find_ctypes(state)) {
            return false;
        }
        target = ref::borrowed(is_narrow ? state.character : state.wide_character);
    }
    return true;
}

// How C spells the pointer.
std::string spelling(const parameter &expected) {
    if (expected.code == type::c_string || expected.code == type::utf8_string) {
        return "`char *`";
    }
    if (expected.code == type::wide_string) {
        return "`wchar_t *`";
    }
    const ref no_name(expected.instance_of ? PyUnicode_FromString("") : nullptr);
    const ref made =
        no_name ? package::call(package::declare, {expected.instance_of.get(), no_name.get()})
                : ref();
    const char *text = made ? PyUnicode_AsUTF8(made.get()) : nullptr;
    std::string found = std::string("`") + (text == nullptr ? "void *" : text) + '`';
    PyErr_Clear();
    return found;
}

// TypeError; false.
bool is_no_pointer(const parameter &expected, PyObject *value, const std::string &reason) {
    return wrong_type(value, ("a " + spelling(expected)).c_str(), reason.c_str());
}

// A list, tuple or dict where a header has a pointer: what a struct's field would hold.
bool new_memory_from_python(const module_state &state, const parameter &expected, PyObject *value,
                            c_value &out) {
    ref made = stored(*state.headers, expected.instance_of.get(), value);
    if (made) {
        return take_pointer(std::move(made), out);
    }
    if (misfit_is_set()) {
        const ref reason = taken_exception();
        const ref text(PyObject_Str(reason.get()));
        const char *words = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
        PyErr_Clear();
        return is_no_pointer(expected, value, words == nullptr ? "" : words);
    }
    return false;
}

bool is_of_header(const module_state &state, const parameter &expected) {
    return state.headers != nullptr && is_class(expected, state.pointer) &&
           PyObject_HasAttr(expected.instance_of.get(), state.headers->name.classes) != 0;
}

} // namespace

bool pointer_from_python(const module_state &state, const parameter &expected, PyObject *value,
                         c_value &out) {
    pointed there;
    fit found = fit::no;
    if (!expected.instance_of && (value == Py_None || PyLong_Check(value))) {
        found = points_to(state, nullptr, value, there); // whatever the pointer leads to
    } else if (!expected.instance_of && is_text(value)) {
        found = text_points_to(value, expected.code == type::wide_string, there);
    } else if (is_class(expected, state.function_pointer)) {
        found = points_to_function(state, value, there);
        if (found == fit::no && PyCallable_Check(value) != 0) {
            return callback_from_python(state, expected, value, out);
        }
    } else {
        ref target;
        if (!find_target(state, expected, target)) {
            return false;
        }
        const bool is_new = PyList_Check(value) || PyTuple_Check(value) || PyDict_Check(value);
        if (is_new && is_of_header(state, expected)) {
            return new_memory_from_python(state, expected, value, out);
        }
        found = points_to(state, target.get(), value, there);
    }
    if (found == fit::no) {
        return is_no_pointer(expected, value, there.reason);
    }
    out.bits = there.address;
    out.keep = std::move(there.keep);
    return found == fit::yes;
}

bool wide_string_from_python(const module_state &state, const parameter &expected, PyObject *value,
                             c_value &out) {
    if (PyBytes_Check(value)) {
        return wrong_type(value, "str, a pointer or None"); // its characters are not that wide
    }
    return pointer_from_python(state, expected, value, out);
}

bool utf8_string_from_python(const module_state &state, const parameter &expected, PyObject *value,
                             c_value &out) {
    if (PyBytes_Check(value)) {
        return wrong_type(value, "a str or None (bytes are c_char_p)");
    }
    return pointer_from_python(state, expected, value, out);
}

} // namespace epy
