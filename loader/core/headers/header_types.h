// What only plugins with headers need, made at the first: the classes that a header's ctypes
// classes inherit from, and the names of what they share.
//
// A class of a header has `_epy_classes_`, the `Classes` that made it. A struct or union has, as
// soon as it has all its fields and not before, `_epy_types_` (name -> type as `_c.terms` has it),
// `_epy_functions_` (name -> the function type behind a function pointer), `_epy_made_` (name ->
// its class, as far as anything asked) and `_epy_names_`, the members in order.
#pragma once

#include "loader/core/state.h"

namespace epy {

// Made when a header first needs one.
struct header_bases {
    PyObject *function_field; // a function pointer in a struct
    PyObject *held_pointer;   // what pointers lie in that epy makes
    PyObject *items;          // base of arrays
    PyObject *pointer;        // base of pointers
    PyObject *struct_pointer; // base of pointers to structs and unions
    PyObject *struct_class;   // metaclass of structs
    PyObject *union_class;    // and of unions
    PyObject *text;           // base of `char *` in prototypes
    PyObject *text_class;     // which is this one
};

struct header_references {
    PyObject *fields;        // base of structs and unions
    PyObject *function;      // function pointers without a prototype, base of those with one
    PyObject *classes;       // the class of `_epy_classes_`
    PyObject *kept;          // of what is kept for memory that Python does not own
    PyObject *stored_header; // what a plugin stores of a header

    PyObject *character_pointer; // ctypes.c_char_p
    PyObject *pointer_to;        // ctypes.pointer
    PyObject *size_of;           // ctypes.sizeof
    PyObject *native_contents;   // _Pointer.contents
    PyObject *simple_types;      // mapping: name -> class, of ctypes and epy
    PyObject *making;            // the lock under which classes are made

    struct {
        PyObject *address;
        PyObject *checks;
        PyObject *classes;
        PyObject *code;
        PyObject *contents;
        PyObject *error_number;
        PyObject *function;
        PyObject *functions;
        PyObject *handle_type;
        PyObject *is_freed;
        PyObject *kind;
        PyObject *length;
        PyObject *made;
        PyObject *members;
        PyObject *module;
        PyObject *names;
        PyObject *object;
        PyObject *places;
        PyObject *object_class;
        PyObject *objects;
        PyObject *self;
        PyObject *star;
        PyObject *types;
        PyObject *whole;
    } name;
};

struct header_types : header_references {
    module_state *core;
    PyObject *module; // borrowed: it owns this
    header_bases *bases;
};

extern PyType_Spec fields_spec;
extern PyType_Spec function_field_spec;
extern PyType_Spec function_spec; // of what `function` inherits, beside ctypes' class
extern PyType_Spec items_spec;
extern PyType_Spec pointer_spec;
extern PyType_Spec stored_header_spec;
extern PyType_Spec struct_pointer_spec;

// One of `header_bases`. Borrowed; null with a Python exception.
PyObject *base_of(const header_types &, PyObject *header_bases::*which);

// Of a class that inherits from one of these.
const header_types &headers_of(PyTypeObject *);

// Method of the module `_core`.
PyObject *prepare_headers(PyObject *module, PyObject *);

int traverse_headers(header_types *, visitproc, void *arg);
void clear_headers(header_types *);
void free_headers(header_types *);

} // namespace epy
