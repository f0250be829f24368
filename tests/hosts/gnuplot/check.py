"""Functions for gnuplot: `import mean(x,y) from "check:mean"`."""

from ctypes import POINTER, Structure, Union, c_char_p, c_double, c_int, c_int64, c_void_p

import epy

INTEGER, COMPLEX, STRING = 1, 2, 3  # enum DATA_TYPES


class Complex(Structure):
    _fields_ = [("real", c_double), ("imaginary", c_double)]


class Content(Union):
    _fields_ = [("integer", c_int64), ("number", Complex), ("text", c_char_p)]


class Value(Structure):
    """`struct value` of gnuplot_plugin.h: 24 bytes, returned by value."""

    _fields_ = [("type", c_int), ("v", Content)]

    def __complex__(self):
        if self.type == INTEGER:
            return complex(self.v.integer)
        return complex(self.v.number.real, self.v.number.imaginary)


def number(value):
    value = complex(value)
    return Value(COMPLEX, Content(number=(value.real, value.imag)))


@epy.export
def mean(count: c_int, arguments: POINTER(Value), private: c_void_p) -> Value:
    return number(sum(complex(argument) for argument in arguments[:count]) / count)


@epy.export
def length(count: c_int, arguments: POINTER(Value), private: c_void_p) -> Value:
    return Value(INTEGER, Content(integer=len(arguments[0].v.text)))
