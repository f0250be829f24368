"""epy: exported Python functions."""

from ctypes import c_double, c_int, c_size_t, c_void_p

import bodies

import epy

epy.export("void f(void)")(bodies.f)
epy.export("int add(int, int)")(bodies.add)
epy.export("double f3(double, double, double)")(bodies.f3)
epy.export("size_t len(const char *)")(bodies.text_len)
epy.export("double mixed(int, double, int, double, int, double, int, double)")(bodies.mixed)


@epy.export
def process(handle: c_void_p, mode: c_int, samples: c_void_p, count: c_size_t) -> c_int:
    return mode + count


@epy.export
def process_view(
    handle: c_void_p, mode: c_int, samples: epy.Buffer(c_double, "count"), count: c_size_t
) -> c_int:
    return mode + (samples[count - 1] > samples[0])
