"""A LADSPA effect: each sample times a gain."""

import ctypes
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_float, c_int, c_ulong, c_void_p

import epy

INPUT, OUTPUT, CONTROL, AUDIO, DEFAULT_1 = 1, 2, 4, 8, 0x240
PORTS = {b"Gain": INPUT | CONTROL, b"In": INPUT | AUDIO, b"Out": OUTPUT | AUDIO}


class Gain(ctypes.Structure):  # an instance: the place that the host connected to each port
    _fields_ = [("ports", POINTER(c_float) * len(PORTS))]


class Hint(ctypes.Structure):
    _fields_ = [("kind", c_int), ("lower", c_float), ("upper", c_float)]


Instantiate = CFUNCTYPE(c_void_p, c_void_p, c_ulong)
ConnectPort = CFUNCTYPE(None, POINTER(Gain), c_ulong, POINTER(c_float))
Run = CFUNCTYPE(None, POINTER(Gain), c_ulong)
Cleanup = CFUNCTYPE(None, c_void_p)


class Descriptor(ctypes.Structure):
    _fields_ = [
        *[("id", c_ulong), ("label", c_char_p), ("properties", c_int), ("name", c_char_p)],
        *[("maker", c_char_p), ("copyright", c_char_p), ("port_count", c_ulong)],
        *[("ports", POINTER(c_int)), ("names", POINTER(c_char_p)), ("hints", POINTER(Hint))],
        *[("data", c_void_p), ("instantiate", Instantiate), ("connect_port", ConnectPort)],
        *[("activate", c_void_p), ("run", Run), ("run_adding", c_void_p)],
        *[("set_gain", c_void_p), ("deactivate", c_void_p), ("cleanup", Cleanup)],
    ]


instances = {}


@epy.callback(Instantiate)
def instantiate(descriptor, rate):
    gain = Gain()
    instances[ctypes.addressof(gain)] = gain
    return ctypes.addressof(gain)


@epy.callback(ConnectPort)
def connect_port(gain, port, place):
    gain.contents.ports[port] = place


@epy.callback(Run)
def run(gain, count):
    level, source, target = gain.contents.ports
    for index in range(count):
        target[index] = source[index] * level[0]


@epy.callback(Cleanup)
def cleanup(gain):
    del instances[gain]


descriptor = Descriptor(
    id=4242,
    label=b"check",
    name=b"Check gain",
    maker=b"me",
    copyright=b"None",
    port_count=len(PORTS),
    ports=(c_int * 3)(*PORTS.values()),
    names=(c_char_p * 3)(*PORTS),
    hints=(Hint * 3)(Hint(DEFAULT_1)),
    instantiate=instantiate,
    connect_port=connect_port,
    run=run,
    cleanup=cleanup,
)


@epy.export
def ladspa_descriptor(index: c_ulong) -> POINTER(Descriptor):
    return ctypes.pointer(descriptor) if index == 0 else None
