"""epy: exported Python functions."""

from ctypes import CFUNCTYPE, c_double, c_int, c_size_t, c_void_p

import bodies

import epy

epy.export("void f(void)")(bodies.f)
epy.export("int add(int, int)")(bodies.add)
epy.export("double f3(double, double, double)")(bodies.f3)
epy.export("size_t len(const char *)")(bodies.text_len)
epy.export("double mixed(int, double, int, double, int, double, int, double)")(bodies.mixed)


host = epy.header("""
struct event { int kind; double value; };
double event(const struct event *);
int host_twice(int number);
int drive(int number);
""")
host.export(bodies.event)
epy.export("int drive(int number)")(bodies.driver(host))


class Voice(bodies.Voice, epy.Object):
    pass


@epy.export
def voice_new() -> Voice:
    return Voice()


epy.export(CFUNCTYPE(c_double, Voice, c_double), name="step")(bodies.Voice.step)
epy.export(CFUNCTYPE(epy.c_str, epy.c_str), name="greet")(bodies.greet)


@epy.export
def process(handle: c_void_p, mode: c_int, samples: c_void_p, count: c_size_t) -> c_int:
    return mode + count


@epy.export
def process_view(
    handle: c_void_p, mode: c_int, samples: epy.Buffer(c_double, "count"), count: c_size_t
) -> c_int:
    return mode + (samples[count - 1] > samples[0])
