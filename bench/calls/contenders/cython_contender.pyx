# cython: language_level=3
"""Cython: public functions that take the GIL."""

import sys

import bodies
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from cpython.unicode cimport PyUnicode_AsUTF8

cdef extern from *:
    """
    struct event { int kind; double value; };
    int host_twice(int number);
    static __thread PyObject *kept;
    """
    struct event_ "event":
        int kind
        double value
    int call_host_twice "host_twice"(int number) nogil
    PyObject *kept

cdef class Event:
    cdef const event_ *at

    @property
    def kind(self):
        return self.at.kind

    @property
    def value(self):
        return self.at.value

def host_twice(int number):
    cdef int result
    with nogil:
        result = call_host_twice(number)
    return result

cdef object _greet = bodies.greet
cdef object _voice = bodies.Voice()
cdef object _step = bodies.Voice.step
cdef object _event = bodies.event
cdef object _drive = bodies.driver(sys.modules[__name__])
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

cdef public const char *greet(const char *text) noexcept with gil:
    global kept
    cdef object result = _greet(text.decode("utf-8"))
    Py_XDECREF(kept)
    Py_INCREF(result)
    kept = <PyObject *>result
    return PyUnicode_AsUTF8(result)

cdef public void *voice_new() noexcept with gil:
    return <void *>_voice

cdef public double step(void *voice, double by) noexcept with gil:
    return _step(<object>voice, by)

cdef public double event_function "event"(const event_ *at) noexcept with gil:
    cdef Event one = Event.__new__(Event)
    one.at = at
    return _event(one)

cdef public int drive(int number) noexcept with gil:
    return _drive(number)
