"""A LADSPA effect: each sample times a gain."""

from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_float, c_int, c_ulong, c_void_p, cast

import epy

INPUT, OUTPUT, CONTROL, AUDIO, DEFAULT_1 = 1, 2, 4, 8, 0x240  # LADSPA_PORT_INPUT and so on
PORTS = {b"Gain": INPUT | CONTROL, b"In": INPUT | AUDIO, b"Out": OUTPUT | AUDIO}


class Gain(epy.Object):
    def __init__(self):
        self.places = {}  # by port: where the host wants it


Ended = epy.Consumed[Gain]


class Hint(Structure):
    _fields_ = [("HintDescriptor", c_int), ("LowerBound", c_float), ("UpperBound", c_float)]


class Descriptor(Structure):
    pass


Instantiate = CFUNCTYPE(c_void_p, POINTER(Descriptor), c_ulong)
ConnectPort = CFUNCTYPE(None, c_void_p, c_ulong, POINTER(c_float))
Run = CFUNCTYPE(None, c_void_p, c_ulong)
SetGain = CFUNCTYPE(None, c_void_p, c_float)
OfHandle = CFUNCTYPE(None, c_void_p)
Descriptor._fields_ = [
    ("UniqueID", c_ulong),
    ("Label", c_char_p),
    ("Properties", c_int),
    ("Name", c_char_p),
    ("Maker", c_char_p),
    ("Copyright", c_char_p),
    ("PortCount", c_ulong),
    ("PortDescriptors", POINTER(c_int)),
    ("PortNames", POINTER(c_char_p)),
    ("PortRangeHints", POINTER(Hint)),
    ("ImplementationData", c_void_p),
    ("instantiate", Instantiate),
    ("connect_port", ConnectPort),
    ("activate", OfHandle),
    ("run", Run),
    ("run_adding", Run),
    ("set_run_adding_gain", SetGain),
    ("deactivate", OfHandle),
    ("cleanup", OfHandle),
]


@epy.callback("Gain instantiate(const Descriptor *descriptor, unsigned long rate)")
def instantiate(descriptor, rate):
    return Gain()


@epy.callback("void connect_port(Gain gain, unsigned long port, float *place)")
def connect_port(gain, port, place):
    gain.places[port] = place


@epy.callback("void run(Gain gain, unsigned long count)")
def run(gain, count):
    source, target = (epy.view(gain.places[port], count, writable=port == 2) for port in (1, 2))
    factor = gain.places[0][0]
    for i in range(count):
        target[i] = source[i] * factor


@epy.callback("void cleanup(Ended gain)")
def cleanup(gain):
    pass


descriptor = Descriptor(
    UniqueID=4242,
    Label=b"check",
    Name=b"Check gain",
    Maker=b"me",
    Copyright=b"None",
    PortCount=len(PORTS),
    PortDescriptors=(c_int * 3)(*PORTS.values()),
    PortNames=(c_char_p * 3)(*PORTS),
    PortRangeHints=(Hint * 3)(Hint(DEFAULT_1)),
    instantiate=cast(instantiate, Instantiate),
    connect_port=cast(connect_port, ConnectPort),
    run=cast(run, Run),
    cleanup=cast(cleanup, OfHandle),
)


@epy.export("const Descriptor *ladspa_descriptor(unsigned long index)")
def ladspa_descriptor(index):
    return POINTER(Descriptor)(descriptor) if index == 0 else None
