// Definitions of a header -> ctypes classes, each made when something asks for it.
//
// `_c.terms` says what a type is: None, the name of a simple ctypes type, or a tuple whose first
// item says what the others are; it does so for definitions too.
#pragma once

#include "loader/core/headers/header_types.h"

namespace epy {

// The ctypes classes of one header: the object `epy._core.Classes`.
struct header_classes {
    PyObject_HEAD PyObject *find; // callable: name -> definition or None
    PyObject *types;              // dict: typedef -> what the script lets it mean
    PyObject *errors;     // dict: typedef, "enum TAG" or (name of a simple type,) -> error value
    PyObject *kept;       // kept_values: for memory that Python does not own
    PyObject *module;     // of the classes: by it ctypes' caches forget them at unload
    PyObject *made;       // dict: type -> class
    PyObject *members;    // dict: key of an enum -> its Members
    PyObject *signatures; // dict: type of a function -> what the core needs for its callbacks
    PyObject *incomplete; // dict: struct or union without fields -> "struct KEY" or definition
    PyObject *completing; // set of those that are being given them
    PyObject *function_flags; // int: ctypes' `_flags_` of function types
};

// The object that made a class. Null with a Python exception; borrowed, from the class.
header_classes *classes_of(const header_types &, PyObject *type);

// The class of a type, complete; None for void.
ref class_of_kind(const header_types &, header_classes *, PyObject *kind);

// The same for what a pointer leads to: a struct may not have its fields yet.
ref target_class(const header_types &, header_classes *, PyObject *kind);

// Gives a struct or union its fields, if that has not happened. False with a Python exception.
bool complete(const header_types &, PyObject *type);

// The same, of any type: only structs and unions of headers are made in steps.
bool complete_if_struct(const header_types &, PyObject *type);

// A callback of this function type, as a function pointer without a prototype.
ref make_callback(header_classes *, PyObject *kind, PyObject *function);

extern PyType_Spec classes_spec;

} // namespace epy
