# cython: language_level=3
"""Cython: a public function that takes the GIL, in a Python that `cython.c` starts."""

def add(a, b):
    return a + b

cdef public int add_in_python(int a, int b) noexcept with gil:
    return add(a, b)
