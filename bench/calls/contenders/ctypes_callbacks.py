"""ctypes: CFUNCTYPE objects."""

from ctypes import CFUNCTYPE, POINTER, c_char_p, c_double, c_int, c_size_t, c_void_p, cast

import bodies

_functions = {
    "f": CFUNCTYPE(None)(bodies.f),
    "add": CFUNCTYPE(c_int, c_int, c_int)(bodies.add),
    "f3": CFUNCTYPE(c_double, c_double, c_double, c_double)(bodies.f3),
    "len": CFUNCTYPE(c_size_t, c_char_p)(bodies.text_len),
    "process": CFUNCTYPE(c_int, c_void_p, c_int, c_void_p, c_size_t)(bodies.process),
    "mixed": CFUNCTYPE(c_double, *[c_int, c_double] * 4)(bodies.mixed),
    "process_view": CFUNCTYPE(c_int, c_void_p, c_int, POINTER(c_double), c_size_t)(
        bodies.process_view
    ),
}
ADDRESSES = {name: cast(function, c_void_p).value for name, function in _functions.items()}
