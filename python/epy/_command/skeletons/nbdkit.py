"""A disk for nbdkit, in memory.

    epy build NAME.py
    nbdkit -U - ./NAME.so size=1048576 --run 'nbdinfo "$uri"'

The header comes with the package nbdkit-plugin-dev.
"""

from ctypes import sizeof

import epy


class Client(epy.Object):
    """One connection: nbdkit has its address, and passes it to each function."""

    def __init__(self, readonly):
        self.readonly = readonly


# An exception is the function's failure: -1, and the traceback on stderr.
nbdkit = epy.header("nbdkit-plugin.h", define={"NBDKIT_API_VERSION": 2}, errors={"int": -1})
disk = bytearray(1 << 16)


def config(key, value):
    """nbdkit's command line: key=value."""
    if key != b"size":
        raise ValueError(f"{key.decode()} is no setting: use size=BYTES")
    disk[:] = bytes(int(value))
    return 0


def open_(readonly) -> Client:
    return Client(readonly)


def close(client: epy.Consumed[Client]):
    """nbdkit gives its address back."""


def get_size(client: Client):
    return len(disk)


def pread(client: Client, buffer, count, offset, flags):
    epy.view(buffer, count, writable=True)[:] = disk[offset : offset + count]
    return 0


def pwrite(client: Client, buffer, count, offset, flags):
    disk[offset : offset + count] = epy.view(buffer, count)
    return 0


plugin = nbdkit.nbdkit_plugin(
    _api_version=2,
    _thread_model=nbdkit.NBDKIT_THREAD_MODEL_PARALLEL,
    name="NAME",
    config=config,
    config_help="size=BYTES  (default 65536)",
    open=open_,
    close=close,
    get_size=get_size,
    pread=pread,
    pwrite=pwrite,
)
plugin._struct_size = sizeof(plugin)


@nbdkit.export("struct nbdkit_plugin *plugin_init(void)")
def plugin_init():
    return plugin
