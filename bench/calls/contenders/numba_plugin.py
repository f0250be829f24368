"""epy: the addresses of functions that numba compiled."""

from numba import carray, cfunc, types

import epy

integer, real, size, pointer = types.intc, types.double, types.uintp, types.voidptr
reals, characters = types.CPointer(real), types.CPointer(types.uint8)


@cfunc(types.void())
def f():
    pass


@cfunc(integer(integer, integer))
def add(a, b):
    return a + b


@cfunc(real(real, real, real))
def f3(a, b, c):
    return a * b + c


@cfunc(size(characters))
def text_len(text):
    length = 0
    while text[length] != 0:
        length += 1
    return length


@cfunc(integer(pointer, integer, reals, size))
def process(handle, mode, samples, count):
    return mode + count


@cfunc(real(integer, real, integer, real, integer, real, integer, real))
def mixed(a, b, c, d, e, f, g, h):
    return b + h


@cfunc(integer(pointer, integer, reals, size))
def process_view(handle, mode, samples, count):
    view = carray(samples, count)
    return mode + (view[count - 1] > view[0])


for function in (f, add, f3, process, mixed, process_view):
    epy.export_address(function.__name__, function)
epy.export_address("len", text_len)
