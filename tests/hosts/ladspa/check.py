"""A LADSPA effect: each sample times a gain."""

import epy

ladspa = epy.header("ladspa.h")
INPUT, OUTPUT = ladspa.LADSPA_PORT_INPUT, ladspa.LADSPA_PORT_OUTPUT
CONTROL, AUDIO = ladspa.LADSPA_PORT_CONTROL, ladspa.LADSPA_PORT_AUDIO
PORTS = {"Gain": INPUT | CONTROL, "In": INPUT | AUDIO, "Out": OUTPUT | AUDIO}
instances = {}  # handle -> the place that the host connected to each port


def instantiate(descriptor, rate):
    places = [None] * descriptor.PortCount
    instances[id(places)] = places
    return id(places)


def connect_port(handle, port, place):
    instances[handle][port] = place


def run(handle, count):
    gain, source, target = instances[handle]
    for i in range(count):
        target[i] = source[i] * gain[0]


def cleanup(handle):
    del instances[handle]


descriptor = ladspa.LADSPA_Descriptor(
    UniqueID=4242,
    Label="check",
    Name="Check gain",
    Maker="me",
    Copyright="None",
    PortCount=len(PORTS),
    PortDescriptors=list(PORTS.values()),
    PortNames=list(PORTS),
    PortRangeHints=[(ladspa.LADSPA_HINT_DEFAULT_1,), (), ()],
    instantiate=instantiate,
    connect_port=connect_port,
    run=run,
    cleanup=cleanup,
)


@ladspa.export
def ladspa_descriptor(index):
    return descriptor if index == 0 else None
