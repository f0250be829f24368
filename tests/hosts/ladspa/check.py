"""A LADSPA effect: each sample times a gain."""

from ctypes import POINTER, Structure, c_char_p, c_float, c_int, c_ulong, c_void_p

import epy

INPUT, OUTPUT, CONTROL, AUDIO, DEFAULT_1 = 1, 2, 4, 8, 0x240
PORTS = {b"Gain": INPUT | CONTROL, b"In": INPUT | AUDIO, b"Out": OUTPUT | AUDIO}
FUNCTIONS = "instantiate connect_port activate run run_adding set_gain deactivate cleanup"
instances = {}  # handle -> the place that the host connected to each port


class Hint(Structure):
    _fields_ = [("kind", c_int), ("lower", c_float), ("upper", c_float)]


class Descriptor(Structure):
    _fields_ = [
        *[("id", c_ulong), ("label", c_char_p), ("properties", c_int), ("name", c_char_p)],
        *[("maker", c_char_p), ("copyright", c_char_p), ("port_count", c_ulong)],
        *[("ports", POINTER(c_int)), ("names", POINTER(c_char_p)), ("hints", POINTER(Hint))],
        *[(name, c_void_p) for name in ("data", *FUNCTIONS.split())],
    ]


@epy.callback("void *instantiate(const void *descriptor, unsigned long rate)")
def instantiate(descriptor, rate):
    places = [None] * len(PORTS)
    instances[id(places)] = places
    return id(places)


@epy.callback("void connect_port(void *handle, unsigned long port, float *place)")
def connect_port(handle, port, place):
    instances[handle][port] = place


@epy.callback("void run(void *handle, unsigned long count)")
def run(handle, count):
    gain, source, target = instances[handle]
    for i in range(count):
        target[i] = source[i] * gain[0]


@epy.callback("void cleanup(void *handle)")
def cleanup(handle):
    del instances[handle]


ports, names = (c_int * 3)(*PORTS.values()), (c_char_p * 3)(*PORTS)
hints = (Hint * 3)(Hint(DEFAULT_1))
descriptor = Descriptor(4242, b"check", 0, b"Check gain", b"me", b"None", 3, ports, names, hints)
for function in (instantiate, connect_port, run, cleanup):
    setattr(descriptor, function.__name__, function.address)


@epy.export("const Descriptor *ladspa_descriptor(unsigned long index)")
def ladspa_descriptor(index):
    return POINTER(Descriptor)(descriptor) if index == 0 else None
