"""A LADSPA plugin: an amplifier.

    epy build NAME.py
    analyseplugin ./NAME.so
    applyplugin in.wav out.wav ./NAME.so NAME 2

The header comes with the package ladspa-sdk.
"""

import epy

CONTROL, SOURCE, TARGET = range(3)  # the ports, in the descriptor's order


class Amplifier(epy.Object):
    """One instance: the host has its address, and passes it to each function."""

    def __init__(self):
        self.ports = {}


ladspa = epy.header("ladspa.h", types={"LADSPA_Handle": Amplifier})


def connect_port(amplifier, port, location):
    amplifier.ports[port] = location


def run(amplifier, count):
    """What a host calls for each block of samples. Views are its memory, until this returns."""
    gain = amplifier.ports[CONTROL][0]
    source = epy.view(amplifier.ports[SOURCE], count)
    target = epy.view(amplifier.ports[TARGET], count, writable=True)
    for i in range(count):
        target[i] = gain * source[i]


def cleanup(amplifier: epy.Consumed[Amplifier]):
    """The host gives its address back."""


INPUT, OUTPUT = ladspa.LADSPA_PORT_INPUT, ladspa.LADSPA_PORT_OUTPUT
AUDIO, IS_CONTROL = ladspa.LADSPA_PORT_AUDIO, ladspa.LADSPA_PORT_CONTROL

descriptor = ladspa.LADSPA_Descriptor(
    UniqueID=4242,  # below 1000 is free for use at home; ask ladspa.org for one before you publish
    Label="NAME",
    Name="NAME",
    Maker="",
    Copyright="None",
    PortCount=3,
    PortDescriptors=[INPUT | IS_CONTROL, INPUT | AUDIO, OUTPUT | AUDIO],
    PortNames=["Gain", "In", "Out"],
    PortRangeHints=[(ladspa.LADSPA_HINT_DEFAULT_1,), (0,), (0,)],
    instantiate=lambda descriptor, rate: Amplifier(),
    connect_port=connect_port,
    run=run,
    cleanup=cleanup,
)


@ladspa.export
def ladspa_descriptor(index):
    return descriptor if index == 0 else None
