from ctypes import create_string_buffer
from pathlib import Path

import pytest

import epy
from epy.testing import build


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    return build(Path(__file__).with_name("NAME.py"), tmp_path_factory.mktemp("plugin"))


@pytest.fixture
def interface(plugin):
    """The table of functions that nbdkit calls."""
    nbdkit = epy.header(
        '#define NBDKIT_API_VERSION 2\n#include "nbdkit-plugin.h"\n'
        "struct nbdkit_plugin *plugin_init(void);",
        library=str(plugin),
    )
    return nbdkit.plugin_init().contents


def test_a_client_reads_what_it_wrote(interface):
    assert interface.config(b"size", b"8192") == 0
    client = interface.open(False)
    assert interface.get_size(client) == 8192
    assert interface.pwrite(client, b"hello", 5, 100, 0) == 0
    buffer = create_string_buffer(5)
    assert interface.pread(client, buffer, 5, 100, 0) == 0
    assert buffer.raw == b"hello"
    interface.close(client)


def test_a_setting_that_is_none(interface):
    """A host gets -1; what a callback raised comes back to a script that calls the host."""
    with pytest.raises(ValueError, match="colour is no setting"):
        interface.config(b"colour", b"red")
