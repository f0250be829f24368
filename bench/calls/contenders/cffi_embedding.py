"""cffi, embedding API: writes the C source of a library to the path it is given."""

import sys

from cffi import FFI

FUNCTIONS = """
    void f(void);
    int add(int, int);
    double f3(double, double, double);
    size_t len(const char *);
    int process(void *, int, const double *, size_t);
    double mixed(int, double, int, double, int, double, int, double);
    int process_view(void *, int, const double *, size_t);
"""
INITIALIZATION = """
import bodies
from cffi_contender import ffi

for name in ("f", "add", "f3", "process", "mixed", "process_view"):
    ffi.def_extern(name)(getattr(bodies, name))

@ffi.def_extern("len")
def text_len(text):
    return bodies.text_len(ffi.string(text))
"""

ffi = FFI()
ffi.embedding_api(FUNCTIONS)
ffi.set_source("cffi_contender", "#include <stddef.h>")
ffi.embedding_init_code(INITIALIZATION)
ffi.emit_c_code(sys.argv[1])
