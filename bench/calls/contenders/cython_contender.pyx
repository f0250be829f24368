# cython: language_level=3
"""Cython: public functions that take the GIL."""

import bodies

cdef object _f = bodies.f
cdef object _add = bodies.add
cdef object _f3 = bodies.f3
cdef object _text_len = bodies.text_len
cdef object _process = bodies.process
cdef object _mixed = bodies.mixed
cdef object _process_view = bodies.process_view

cdef public void f() noexcept with gil:
    _f()

cdef public int add(int a, int b) noexcept with gil:
    return _add(a, b)

cdef public double f3(double a, double b, double c) noexcept with gil:
    return _f3(a, b, c)

cdef public size_t len "len"(const char *text) noexcept with gil:
    return _text_len(<bytes>text)

cdef public int process(void *handle, int mode, const double *samples, size_t count) noexcept with gil:
    return _process(<size_t>handle, mode, <size_t>samples, count)

cdef public double mixed(int a, double b, int c, double d, int e, double f, int g, double h) noexcept with gil:
    return _mixed(a, b, c, d, e, f, g, h)

cdef public int process_view(void *handle, int mode, const double *samples, size_t count) noexcept with gil:
    cdef const double[:] view = <const double[:count]>samples
    return _process_view(<size_t>handle, mode, view, count)
