"""cffi, ABI mode: ffi.callback."""

import bodies
from cffi import FFI

_ffi = FFI()


def _text_len(text):
    return bodies.text_len(_ffi.string(text))


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
}
ADDRESSES = {name: int(_ffi.cast("uintptr_t", function)) for name, function in _functions.items()}
