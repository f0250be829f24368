"""cffi, embedding API: writes the C source of a library to the path it is given."""

import sys

from cffi import FFI

ffi = FFI()
ffi.embedding_api("int add(int, int);")
ffi.set_source("cffi_peer", "")
ffi.embedding_init_code("""
from cffi_peer import ffi

@ffi.def_extern()
def add(a, b):
    return a + b
""")
ffi.emit_c_code(sys.argv[1])
