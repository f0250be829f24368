"""A LADSPA effect: each sample times a gain."""

import epy


class Gain(epy.Object):
    def __init__(self):
        self.places = {}  # by port: where the host wants it


ladspa = epy.header("ladspa.h", types={"LADSPA_Handle": Gain})
INPUT, OUTPUT = ladspa.LADSPA_PORT_INPUT, ladspa.LADSPA_PORT_OUTPUT
CONTROL, AUDIO = ladspa.LADSPA_PORT_CONTROL, ladspa.LADSPA_PORT_AUDIO
PORTS = {"Gain": INPUT | CONTROL, "In": INPUT | AUDIO, "Out": OUTPUT | AUDIO}


def connect_port(gain, port, place):
    gain.places[port] = place


def run(gain, count):
    source, target = (epy.view(gain.places[port], count, writable=port == 2) for port in (1, 2))
    factor = gain.places[0][0]
    for i in range(count):
        target[i] = source[i] * factor


def cleanup(gain: epy.Consumed[Gain]):
    pass


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
    instantiate=lambda descriptor, rate: Gain(),
    connect_port=connect_port,
    run=run,
    cleanup=cleanup,
)


@ladspa.export
def ladspa_descriptor(index):
    return descriptor if index == 0 else None
