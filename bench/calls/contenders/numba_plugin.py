"""epy: functions that numba compiled. Those of numbers take one keyword, those with pointers are
numba's own, exported by their address."""

from numba import carray, cfunc, types

import epy

integer, size, pointer = types.intc, types.uintp, types.voidptr
reals, characters = types.CPointer(types.double), types.CPointer(types.uint8)


@epy.export("void f(void)", jit=True)
def f():
    pass


@epy.export("int add(int a, int b)", jit=True)
def add(a, b):
    return a + b


@epy.export("double f3(double a, double b, double c)", jit=True)
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


@epy.export("double mixed(int, double, int, double, int, double, int, double)", jit=True)
def mixed(a, b, c, d, e, f, g, h):
    return b + h


@cfunc(integer(pointer, integer, reals, size))
def process_view(handle, mode, samples, count):
    view = carray(samples, count)
    return mode + (view[count - 1] > view[0])


for function in (process, process_view):
    epy.export_address(function.__name__, function)
epy.export_address("len", text_len)
