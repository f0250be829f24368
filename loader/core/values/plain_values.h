// Values of C's simple types as Python has them: by ctypes' rules, without an object of ctypes.
#pragma once

#include "loader/core/py.h"

namespace epy {

// ctypes' codes of them; of text, `char *`.
inline constexpr char codes_of_plain_values[] = "?bBhHiIlLqQfdPz";

// Of the value that lies there. Null with a Python exception.
PyObject *plain_value(char code, const void *place);

} // namespace epy
