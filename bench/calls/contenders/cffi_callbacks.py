"""cffi, ABI mode: ffi.callback."""

from collections import deque

import bodies
from cffi import FFI

_ffi = FFI()
_ffi.cdef("struct event { int kind; double value; }; int host_twice(int);")
_host = _ffi.dlopen(None)
_voice = _ffi.new_handle(bodies.Voice())
_kept: deque[object] = deque(maxlen=64)


def _text_len(text):
    return bodies.text_len(_ffi.string(text))


def _greet(text):
    result = _ffi.new("char[]", bodies.greet(_ffi.string(text).decode()).encode())
    _kept.append(result)
    return result


def _step(voice, by):
    return bodies.Voice.step(_ffi.from_handle(voice), by)


_functions = {
    "f": _ffi.callback("void(void)", bodies.f),
    "add": _ffi.callback("int(int, int)", bodies.add),
    "f3": _ffi.callback("double(double, double, double)", bodies.f3),
    "len": _ffi.callback("size_t(const char *)", _text_len),
    "process": _ffi.callback("int(void *, int, const double *, size_t)", bodies.process),
    "mixed": _ffi.callback(
        "double(int, double, int, double, int, double, int, double)", bodies.mixed
    ),
    "process_view": _ffi.callback("int(void *, int, const double *, size_t)", bodies.process_view),
    "greet": _ffi.callback("const char *(const char *)", _greet),
    "voice_new": _ffi.callback("void *(void)", lambda: _voice),
    "step": _ffi.callback("double(void *, double)", _step),
    "event": _ffi.callback("double(const struct event *)", bodies.event),
    "drive": _ffi.callback("int(int)", bodies.driver(_host)),
}
ADDRESSES = {name: int(_ffi.cast("uintptr_t", function)) for name, function in _functions.items()}
