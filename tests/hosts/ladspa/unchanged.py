"""A LADSPA effect that changes nothing: views, and slices between them."""

import epy


class Gain(epy.Object):
    def __init__(self):
        self.ports = {}


ladspa = epy.header("ladspa.h", types={"LADSPA_Handle": Gain})


def connect_port(gain, port, location):
    gain.ports[port] = location


def run(gain, count):
    source, target = (epy.view(gain.ports[i], count, writable=i == 1) for i in (0, 1))
    target[:] = source


def cleanup(gain: epy.Consumed[Gain]):
    pass


descriptor = ladspa.LADSPA_Descriptor(
    UniqueID=4242,
    Label="copy",
    Name="Copy",
    Maker="me",
    Copyright="None",
    PortCount=2,
    PortDescriptors=[
        ladspa.LADSPA_PORT_INPUT | ladspa.LADSPA_PORT_AUDIO,
        ladspa.LADSPA_PORT_OUTPUT | ladspa.LADSPA_PORT_AUDIO,
    ],
    PortNames=["In", "Out"],
    PortRangeHints=[(0,), (0,)],
    instantiate=lambda descriptor, rate: Gain(),
    connect_port=connect_port,
    run=run,
    cleanup=cleanup,
)


@ladspa.export
def ladspa_descriptor(index):
    return descriptor if index == 0 else None
