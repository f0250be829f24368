from ctypes import c_float
from pathlib import Path

import pytest

import epy
from epy.testing import build


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    return build(Path(__file__).with_name("NAME.py"), tmp_path_factory.mktemp("plugin"))


@pytest.fixture
def descriptor(plugin):
    ladspa = epy.header("ladspa.h", library=str(plugin))
    assert not ladspa.ladspa_descriptor(1)
    return ladspa.ladspa_descriptor(0).contents


def test_what_hosts_read(descriptor):
    assert descriptor.Label == b"NAME"
    assert descriptor.PortCount == 3


def test_a_block_of_samples(descriptor):
    gain, source, target = (c_float * 1)(2), (c_float * 3)(1, 2, 3), (c_float * 3)()
    amplifier = descriptor.instantiate(descriptor, 48_000)
    for port, memory in enumerate((gain, source, target)):
        descriptor.connect_port(amplifier, port, memory)
    descriptor.run(amplifier, 3)
    descriptor.cleanup(amplifier)
    assert list(target) == [2, 4, 6]
