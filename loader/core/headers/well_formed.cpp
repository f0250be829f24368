// What is asked of `_core` as a type or comes out of a plugin as a definition is Python's: any
// object. All else of headers/ takes its parts without a look, so the look is here, once for each.
#include "loader/core/headers/well_formed.h"

namespace epy {

namespace {

constexpr int deepest = 200;

bool is_text(PyObject *object) { return PyUnicode_CheckExact(object); }

// A tuple of at least so many items that begins with a word.
bool begins(PyObject *object, Py_ssize_t least) {
    return PyTuple_CheckExact(object) && PyTuple_GET_SIZE(object) >= least &&
           is_text(PyTuple_GET_ITEM(object, 0)) &&
           PyUnicode_GET_LENGTH(PyTuple_GET_ITEM(object, 0)) > 0;
}

bool is(PyObject *kind, const char *word) {
    return PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kind, 0), word) == 0;
}

// In an address space.
bool is_size(PyObject *number) {
    constexpr long long largest = 1LL << 47;
    int overflow = 0;
    const long long size =
        PyLong_CheckExact(number) ? PyLong_AsLongLongAndOverflow(number, &overflow) : -1;
    return size >= 0 && size <= largest && overflow == 0;
}

template <typename Check> bool all_of(PyObject *tuple, Check check) {
    if (!PyTuple_CheckExact(tuple)) {
        return false;
    }
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(tuple); ++index) {
        if (!check(PyTuple_GET_ITEM(tuple, index))) {
            return false;
        }
    }
    return true;
}

bool is_type(PyObject *kind, int depth) {
    if (kind == Py_None || is_text(kind)) {
        return true;
    }
    if (depth == 0 || !begins(kind, 2)) {
        return false;
    }
    const Py_ssize_t count = PyTuple_GET_SIZE(kind);
    PyObject *second = PyTuple_GET_ITEM(kind, 1);
    if (is(kind, "*")) {
        return is_type(second, depth - 1);
    }
    if (is(kind, "[")) {
        return count == 3 && second != Py_None && is_type(second, depth - 1) &&
               is_size(PyTuple_GET_ITEM(kind, 2));
    }
    if (is(kind, "(")) {
        return count == 4 && is_type(second, depth - 1) &&
               all_of(PyTuple_GET_ITEM(kind, 2),
                      [&](PyObject *one) { return one != Py_None && is_type(one, depth - 1); }) &&
               PyLong_Check(PyTuple_GET_ITEM(kind, 3));
    }
    if (is(kind, "align")) {
        return count == 3 && is_type(second, depth - 1) && is_size(PyTuple_GET_ITEM(kind, 2));
    }
    return (is(kind, "t") || is(kind, "struct") || is(kind, "union") || is(kind, "enum") ||
            is(kind, "?")) &&
           is_text(second);
}

bool is_function(PyObject *kind) { return PyTuple_CheckExact(kind) && is(kind, "("); }

// (name, type); a name may be empty.
bool is_field(PyObject *field) {
    return PyTuple_CheckExact(field) && PyTuple_GET_SIZE(field) == 2 &&
           is_text(PyTuple_GET_ITEM(field, 0)) && is_type(PyTuple_GET_ITEM(field, 1), deepest);
}

bool has_field(PyObject *fields, PyObject *name) {
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(fields); ++index) {
        if (PyUnicode_Compare(PyTuple_GET_ITEM(PyTuple_GET_ITEM(fields, index), 0), name) == 0) {
            return true;
        }
    }
    return false;
}

// (name, type, offset, shift, width, signed): `width` bits from bit `shift` of the byte at `offset`
// on, in a struct of `size` bytes.
bool is_bit_field(PyObject *field, long long size) {
    const auto item = [&](Py_ssize_t index) { return PyTuple_GET_ITEM(field, index); };
    if (!PyTuple_CheckExact(field) || PyTuple_GET_SIZE(field) != 6 || !is_text(item(0)) ||
        !is_type(item(1), deepest) || !is_size(item(2)) || !is_size(item(3)) || !is_size(item(4)) ||
        !PyBool_Check(item(5))) {
        return false;
    }
    const long long offset = PyLong_AsLongLong(item(2));
    const long long shift = PyLong_AsLongLong(item(3));
    const long long width = PyLong_AsLongLong(item(4));
    constexpr long long widest = 64;
    return shift < widest && width > 0 && width <= widest && offset <= size &&
           (shift + width + 7) / 8 <= size - offset;
}

// (kind, name, size, packed, fields, anonymous, bits, members, obstacle)
bool is_layout(PyObject *definition) {
    const auto item = [&](Py_ssize_t index) { return PyTuple_GET_ITEM(definition, index); };
    if (PyTuple_GET_SIZE(definition) != 9 || !is_text(item(1)) || !is_size(item(2)) ||
        !PyLong_Check(item(3)) || !all_of(item(4), is_field)) {
        return false;
    }
    const long long size = PyLong_AsLongLong(item(2));
    return all_of(item(5),
                  [&](PyObject *name) { return is_text(name) && has_field(item(4), name); }) &&
           all_of(item(6), [&](PyObject *field) { return is_bit_field(field, size); }) &&
           all_of(item(7), is_text) && is_text(item(8));
}

// ("enum", integer type, ((name, value), ...))
bool is_enum(PyObject *definition) {
    return PyTuple_GET_SIZE(definition) == 3 && is_text(PyTuple_GET_ITEM(definition, 1)) &&
           all_of(PyTuple_GET_ITEM(definition, 2), [](PyObject *member) {
               return begins(member, 2) && PyLong_CheckExact(PyTuple_GET_ITEM(member, 1));
           });
}

} // namespace

bool is_well_formed(PyObject *kind) { return is_type(kind, deepest); }

bool is_well_formed_definition(PyObject *definition) {
    if (!begins(definition, 2)) {
        return false;
    }
    PyObject *second = PyTuple_GET_ITEM(definition, 1);
    if (is(definition, "t") || is(definition, "f") || is(definition, "v")) {
        return is_type(second, deepest);
    }
    if (is(definition, "struct") || is(definition, "union")) {
        return is_layout(definition);
    }
    return is(definition, "c") ||
           ((is(definition, "m") || is(definition, "x") || is(definition, "?")) &&
            is_text(second)) ||
           (is(definition, "enum") && is_enum(definition));
}

bool check_type(PyObject *kind) {
    if (!is_well_formed(kind)) {
        PyErr_Format(PyExc_TypeError, "an object of class %s is no type of a header",
                     Py_TYPE(kind)->tp_name);
        return false;
    }
    return true;
}

bool check_function_type(PyObject *kind) {
    if (!is_well_formed(kind) || !is_function(kind)) {
        PyErr_SetString(PyExc_TypeError, "this is no type of a header's function");
        return false;
    }
    return true;
}

} // namespace epy
