"""ctypes: CFUNCTYPE objects."""

from collections import deque
from ctypes import (
    CDLL,
    CFUNCTYPE,
    POINTER,
    Structure,
    addressof,
    c_char_p,
    c_double,
    c_int,
    c_size_t,
    c_void_p,
    cast,
    create_string_buffer,
    py_object,
)

import bodies


class _Event(Structure):
    _fields_ = [("kind", c_int), ("value", c_double)]


_host = CDLL(None)
_host.host_twice.argtypes = [c_int]
_voice = bodies.Voice()
_kept: deque[object] = deque(maxlen=64)


def _greet(text):
    result = create_string_buffer(bodies.greet(text.decode()).encode())
    _kept.append(result)
    return addressof(result)


def _event(one):
    return bodies.event(one.contents)


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
    "greet": CFUNCTYPE(c_void_p, c_char_p)(_greet),
    "voice_new": CFUNCTYPE(c_void_p)(lambda: id(_voice)),
    "step": CFUNCTYPE(c_double, py_object, c_double)(bodies.Voice.step),
    "event": CFUNCTYPE(c_double, POINTER(_Event))(_event),
    "drive": CFUNCTYPE(c_int, c_int)(bodies.driver(_host)),
}
ADDRESSES = {name: cast(function, c_void_p).value for name, function in _functions.items()}
