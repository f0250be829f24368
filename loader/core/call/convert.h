// Values across the line between C and Python, by ctypes' own rules for callbacks.
//
// C to Python: integers are int, c_char_p bytes or None, c_void_p int or None, c_char bytes,
// c_wchar str, complex numbers complex, UTF-8 text str or None; a parameter with a class becomes an
// instance of that class that holds the value; a number with members is the member, if one has it.
// Python to C: the same, and a value that does not fit its C type is an error (OverflowError,
// TypeError), never a truncated number.
#pragma once

#include "loader/core/call/signature.h"
#include "loader/core/state.h"

namespace epy {

// A C result: integers and pointers extended to 64 bits, everything else as its bytes in memory.
struct c_value {
    std::uint64_t bits = 0;
    void *memory = nullptr; // where a value of more than 8 bytes goes; it is written last
    ref keep;               // what it points into, to stay alive as long as the host may look at it

    [[nodiscard]] void *bytes() { return memory == nullptr ? &bits : memory; }
};

// A new reference, or null with a Python exception. `source` is the argument in memory.
PyObject *to_python(const module_state &, const parameter &, const void *source);

// Where `object`, which that gave, has its address if it is a pointer of ctypes; else null.
void **memory_of_pointer(const module_state &, PyObject *object);

// False with a Python exception if `value` does not fit. A void result takes anything. A handle
// that this gives is `plugin`'s, which may be null.
bool from_python(const module_state &, const parameter &, PyObject *value, PyObject *plugin,
                 c_value &out);

} // namespace epy
