// What is asked of `_core` as a type or comes out of a plugin as a definition is Python's: any
// object. All else of headers/ takes its parts without a look, so the look is here, once for each.
#include "loader/core/headers/well_formed.h"

#include "loader/core/headers/definitions.h"
#include "loader/core/headers/kind.h"

namespace epy {

namespace {

constexpr int deepest = 200;

bool is_text(PyObject *object) { return PyUnicode_CheckExact(object); }

// A tuple of at least so many items that begins with a word.
bool begins(PyObject *object, Py_ssize_t least) {
    return PyTuple_CheckExact(object) && PyTuple_GET_SIZE(object) >= least &&
           is_text(word(object)) && PyUnicode_GET_LENGTH(word(object)) > 0;
}

bool is(PyObject *kind, const char *text) {
    return PyUnicode_CompareWithASCIIString(word(kind), text) == 0;
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
    const auto is_value = [&](PyObject *one) { return one != Py_None && is_type(one, depth - 1); };
    if (is(kind, "*")) {
        return is_type(pointer_target(kind), depth - 1);
    }
    if (is(kind, "[")) {
        return count == 3 && is_value(array_element(kind)) && is_size(array_length(kind));
    }
    if (is(kind, "(")) {
        return count == 4 && is_type(function_result(kind), depth - 1) &&
               all_of(function_parameters(kind), is_value) &&
               PyLong_Check(function_is_variadic(kind));
    }
    if (is(kind, "align")) {
        return count == 3 && is_type(aligned_type(kind), depth - 1) &&
               is_size(aligned_alignment(kind));
    }
    if (is(kind, "t")) {
        return is_text(alias_name(kind));
    }
    if (is(kind, "struct") || is(kind, "union") || is(kind, "enum")) {
        return is_text(tag_key(kind));
    }
    return is(kind, "?") && is_text(impossible_reason(kind));
}

bool is_function(PyObject *kind) { return PyTuple_CheckExact(kind) && is(kind, "("); }

// (name, type); a name may be empty.
bool is_field(PyObject *field) {
    return PyTuple_CheckExact(field) && PyTuple_GET_SIZE(field) == 2 &&
           is_text(field_name(field)) && is_type(field_type(field), deepest);
}

bool has_field(PyObject *fields, PyObject *name) {
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(fields); ++index) {
        if (PyUnicode_Compare(field_name(PyTuple_GET_ITEM(fields, index)), name) == 0) {
            return true;
        }
    }
    return false;
}

// So many bits from a bit of the byte at an offset on, in a struct of `size` bytes.
bool is_bit_field(PyObject *field, long long size) {
    if (!PyTuple_CheckExact(field) || PyTuple_GET_SIZE(field) != 6 || !is_text(field_name(field)) ||
        !is_type(field_type(field), deepest) || !is_size(bits_offset(field)) ||
        !is_size(bits_shift(field)) || !is_size(bits_width(field)) ||
        !PyBool_Check(bits_is_signed(field))) {
        return false;
    }
    const long long offset = PyLong_AsLongLong(bits_offset(field));
    const long long shift = PyLong_AsLongLong(bits_shift(field));
    const long long width = PyLong_AsLongLong(bits_width(field));
    constexpr long long widest = 64;
    return shift < widest && width > 0 && width <= widest && offset <= size &&
           (shift + width + 7) / 8 <= size - offset;
}

bool is_layout(PyObject *definition) {
    if (PyTuple_GET_SIZE(definition) != 9 || !is_text(layout_name(definition)) ||
        !is_size(layout_size(definition)) || !PyLong_Check(layout_is_packed(definition)) ||
        !all_of(layout_fields(definition), is_field)) {
        return false;
    }
    const long long size = PyLong_AsLongLong(layout_size(definition));
    const auto is_a_field = [&](PyObject *name) {
        return is_text(name) && has_field(layout_fields(definition), name);
    };
    return all_of(layout_anonymous(definition), is_a_field) &&
           all_of(layout_bits(definition), [&](PyObject *it) { return is_bit_field(it, size); }) &&
           all_of(layout_members(definition), is_text) && is_text(layout_obstacle(definition));
}

bool is_enum(PyObject *definition) {
    return PyTuple_GET_SIZE(definition) == 3 && is_text(enum_integer(definition)) &&
           all_of(enum_members(definition), [](PyObject *member) {
               return begins(member, 2) && PyLong_CheckExact(member_value(member));
           });
}

bool is_declaration(PyObject *definition) {
    return is_type(declared_type(definition), deepest) &&
           (PyTuple_GET_SIZE(definition) == 2 || is_text(declared_symbol(definition)));
}

// A macro that is an expression. Who lists macros asks for its parameters.
bool is_macro(PyObject *definition) {
    return is_text(macro_expression(definition)) &&
           (PyTuple_GET_SIZE(definition) == 2 || all_of(macro_parameters(definition), is_text));
}

bool is_unusable(PyObject *definition) {
    return is_text(unusable_reason(definition)) &&
           (PyTuple_GET_SIZE(definition) == 2 || is_text(unusable_sort(definition)));
}

} // namespace

bool is_well_formed(PyObject *kind) { return is_type(kind, deepest); }

bool is_well_formed_definition(PyObject *definition) {
    if (!begins(definition, 2)) {
        return false;
    }
    if (is(definition, "t") || is(definition, "f") || is(definition, "v")) {
        return is_declaration(definition);
    }
    if (is(definition, "struct") || is(definition, "union")) {
        return is_layout(definition);
    }
    if (is(definition, "m") || is(definition, "x")) {
        return is_macro(definition);
    }
    return is(definition, "c") || (is(definition, "?") && is_unusable(definition)) ||
           (is(definition, "enum") && is_enum(definition));
}

namespace {

// Of what is none as it is.
bool check_depth(PyObject *kind) {
    constexpr int deepest_of_marshal = 2000;
    return !is_type(kind, deepest_of_marshal) ||
           header_name_error("a type is nested too deeply, in more than %d levels of pointers, "
                             "arrays and functions",
                             deepest);
}

} // namespace

bool check_type(PyObject *kind) {
    if (is_well_formed(kind)) {
        return true;
    }
    if (check_depth(kind)) {
        PyErr_Format(PyExc_TypeError, "an object of class %s is no type of a header",
                     Py_TYPE(kind)->tp_name);
    }
    return false;
}

bool check_function_type(PyObject *kind) {
    if (is_well_formed(kind) && is_function(kind)) {
        return true;
    }
    if (check_depth(kind)) {
        PyErr_SetString(PyExc_TypeError, "this is no type of a header's function");
    }
    return false;
}

} // namespace epy
