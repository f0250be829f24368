// What the items of a buffer are, and those of a ctypes type: whether they are the same to C.
#pragma once

#include <cstdint>

#include "loader/core/state.h"

namespace epy {

enum class kind : std::uint8_t {
    other,
    byte,
    integer,
    real,
    complex_number,
    boolean,
    wide,
    record
};

struct item {
    kind what = kind::other;
    Py_ssize_t size = 0;
    bool is_pointer = false;
};

// By the format of PEP 3118, as memoryview, array and numpy give it.
item item_of_buffer(const Py_buffer &);

// Of a type of ctypes; an array's are those of its elements. Without an exception.
item item_of_type(const module_state &, PyObject *type);

// Numbers of one kind and size are the same, whether signed or not; pointers in a buffer are
// integers.
bool holds(const item &found, const item &wanted);

// Whether so many bytes are structs or unions as they lie in memory.
bool are_records(const item &wanted, Py_ssize_t size);

// Whether types of ctypes are the same to C.
bool are_alike(const module_state &, PyObject *one, PyObject *other);

// What a type of ctypes is made of: `_type_`. Empty without an exception if it has none.
ref part_of_type(const module_state &, PyObject *type);

// The code of a simple type of ctypes; of complex numbers that of epy's own ('F', 'D'), however
// this ctypes spells it. 0 without an exception if it is no single letter.
char code_of_simple_type(const module_state &, PyObject *type);

bool is_pointer_type(const module_state &, PyObject *type);

} // namespace epy
