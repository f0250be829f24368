// What a Python value is where C is due a pointer: an address, and what keeps the memory there.
//
// This is the one rule for results, arguments, fields and items. A `T *` may be
// - None (null) or an int, which is an address;
// - a pointer of ctypes to T, a T, an array of T, what byref() wraps of these, a c_void_p;
// - anything with a buffer of T's: bytearray, memoryview, array.array, numpy arrays. Numbers of the
//   same kind and size are the same, whether signed or not; `char`, `signed char` and `unsigned
//   char` are bytes; pointers are unsigned integers; structs are those of the same size, or bytes.
//   The memory is the buffer's own, which cannot be resized meanwhile. It must be contiguous. What
//   Python calls read-only fits only as bytes, which C programs take for constants;
// - for characters a text: bytes as they are, a str as its own UTF-8, which must have no NUL.
// A `void *` may be any of that, and an object with an `address`.
#pragma once

#include <cstdint>
#include <string>

#include "loader/core/state.h"

namespace epy {

struct pointed {
    std::uint64_t address = 0;
    ref keep;           // what keeps the memory there; empty if it is not Python's
    std::string reason; // why a value does not fit, if there is more to say
};

enum class fit : std::uint8_t { yes, no, error };

// `target` is the ctypes type that the pointer leads to, null for void. Of a value that does not
// fit there is no exception; an error is one.
fit points_to(const module_state &, PyObject *target, PyObject *value, pointed &out);

// The same for a str or bytes where C has characters, or wide ones: needs nothing of ctypes.
fit text_points_to(PyObject *value, bool is_wide, pointed &out);

// The same for a pointer to a function, without what a callable would become.
fit points_to_function(const module_state &, PyObject *value, pointed &out);

// The bytes of a str that its UTF-8 has, and which live as long as it. Null with a Python exception
// if it has a NUL or a lone surrogate.
const char *text_of(PyObject *string);

// A ctypes object; in a tuple with what its pointers lead to now, if they lead anywhere: the script
// may assign others.
ref with_targets(PyObject *instance);

} // namespace epy
