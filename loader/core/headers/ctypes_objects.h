// What a value is to ctypes, and the calls of ctypes that conversions share.
#pragma once

#include "loader/core/headers/classes.h"

namespace epy {

struct kept_values;

bool is_a(PyObject *value, PyObject *type);
bool is_a(PyObject *value, PyTypeObject *type);
bool is_pointer(const header_types &, PyObject *value);
bool is_array(const header_types &, PyObject *value);
bool is_function(const header_types &, PyObject *value); // a function pointer
bool is_text(PyObject *value);                           // str or bytes
bool is_sequence(PyObject *value);                       // list or tuple
bool is_code_of_bytes(char code);

// Whether Python asks for the attribute to see what it might do with an object: "__len__".
bool is_special(PyObject *name);

// Borrowed.
PyObject *type_of_object(PyObject *value);

// The code of a simple type; NUL for other types.
char code_of(const header_types &, PyObject *type);

// What follows is empty, or false, with a Python exception.

// The attribute of an object's class.
ref attribute_of_class(PyObject *instance, PyObject *name);

// ctypes.cast(value, ctype)
ref cast(const header_types &, PyObject *value, PyObject *ctype);

// The class of arrays of so many elements.
ref array_of(PyObject *element, Py_ssize_t length);

// Of a str its UTF-8.
ref bytes_of_text(PyObject *value);

// Whether objects of a class are nothing but an address.
bool is_pointer_class(const header_types &, PyObject *ctype);

// How many bytes what `stored` made takes where it is stored; 1 if that does not matter.
std::size_t size_of_stored(const header_types &, PyObject *made);

// Keeps an object in a dict.
bool keep(PyObject *kept, PyObject *object);

// What keeps what is stored in the memory of a ctypes object: null if Python owns it. Borrowed,
// from its class.
bool find_keeper(const header_types &, PyObject *instance, kept_values *&kept);

// Where a ctypes object lies; null with a Python exception.
void *place_of(PyObject *instance);

// A null pointer of this class that has something of its own to be kept: what
// ctypes keeps for a field or an item goes only when something else is kept for it.
ref null_pointer(const header_types &, PyObject *ctype);

} // namespace epy
