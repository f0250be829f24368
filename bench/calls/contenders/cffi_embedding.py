"""cffi, embedding API: writes the C source of a library to the path it is given."""

import sys

from cffi import FFI

DECLARATIONS = """
    struct event { int kind; double value; };
    int host_twice(int);
"""
FUNCTIONS = """
    void f(void);
    int add(int, int);
    double f3(double, double, double);
    size_t len(const char *);
    int process(void *, int, const double *, size_t);
    double mixed(int, double, int, double, int, double, int, double);
    int process_view(void *, int, const double *, size_t);
    const char *greet(const char *);
    void *voice_new(void);
    double step(void *, double);
    double event(const struct event *);
    int drive(int);
"""
INITIALIZATION = """
from collections import deque

import bodies
from cffi_contender import ffi, lib

for name in ("f", "add", "f3", "process", "mixed", "process_view", "event"):
    ffi.def_extern(name)(getattr(bodies, name))

@ffi.def_extern("len")
def text_len(text):
    return bodies.text_len(ffi.string(text))

kept = deque(maxlen=64)

@ffi.def_extern()
def greet(text):
    result = ffi.new("char[]", bodies.greet(ffi.string(text).decode()).encode())
    kept.append(result)
    return result

voice = ffi.new_handle(bodies.Voice())

@ffi.def_extern()
def voice_new():
    return voice

@ffi.def_extern()
def step(voice, by):
    return bodies.Voice.step(ffi.from_handle(voice), by)

ffi.def_extern("drive")(bodies.driver(lib))
"""

ffi = FFI()
ffi.cdef(DECLARATIONS)
ffi.embedding_api(FUNCTIONS)
ffi.set_source("cffi_contender", "#include <stddef.h>" + DECLARATIONS)
ffi.embedding_init_code(INITIALIZATION)
ffi.emit_c_code(sys.argv[1])
