"""A LADSPA effect: each sample times a gain."""

from ctypes import POINTER, Structure, addressof, c_char_p, c_float, c_int, c_ulong, c_void_p

import epy

INPUT, OUTPUT, CONTROL, AUDIO, DEFAULT_1 = 1, 2, 4, 8, 0x240
PORTS = {b"Gain": INPUT | CONTROL, b"In": INPUT | AUDIO, b"Out": OUTPUT | AUDIO}
FUNCTIONS = "instantiate connect_port activate run run_adding set_gain deactivate cleanup"


class Gain(Structure):  # one instance: the place that the host connected to each port
    _fields_ = [("ports", POINTER(c_float) * len(PORTS))]


class Hint(Structure):
    _fields_ = [("kind", c_int), ("lower", c_float), ("upper", c_float)]


class Descriptor(Structure):
    _fields_ = [
        *[("id", c_ulong), ("label", c_char_p), ("properties", c_int), ("name", c_char_p)],
        *[("maker", c_char_p), ("copyright", c_char_p), ("port_count", c_ulong)],
        *[("ports", POINTER(c_int)), ("names", POINTER(c_char_p)), ("hints", POINTER(Hint))],
        *[(name, c_void_p) for name in ("data", *FUNCTIONS.split())],
    ]


instances = {}


@epy.callback("void *instantiate(const void *descriptor, unsigned long rate)")
def instantiate(descriptor, rate):
    gain = Gain()
    instances[addressof(gain)] = gain
    return addressof(gain)


@epy.callback("void connect_port(Gain *gain, unsigned long port, float *place)")
def connect_port(gain, port, place):
    gain.contents.ports[port] = place


@epy.callback("void run(Gain *gain, unsigned long count)")
def run(gain, count):
    level, source, target = gain.contents.ports
    for i in range(count):
        target[i] = source[i] * level[0]


cleanup = epy.callback("void cleanup(void *gain)", instances.pop)

descriptor = Descriptor(
    *(4242, b"check", 0, b"Check gain", b"me", b"None", len(PORTS)),
    *((c_int * 3)(*PORTS.values()), (c_char_p * 3)(*PORTS), (Hint * 3)(Hint(DEFAULT_1)), None),
    *(instantiate.address, connect_port.address, None, run.address, None, None, None),
    cleanup.address,
)


@epy.export("const Descriptor *ladspa_descriptor(unsigned long index)")
def ladspa_descriptor(index):
    return POINTER(Descriptor)(descriptor) if index == 0 else None
