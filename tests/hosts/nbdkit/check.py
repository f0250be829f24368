"""A disk for nbdkit: 64 KiB in memory, which the client may write."""

from ctypes import sizeof

import epy


class Client(epy.Object):
    def __init__(self, readonly):
        self.readonly = readonly


nbdkit = epy.header("nbdkit-plugin.h", define={"NBDKIT_API_VERSION": 2}, errors={"int": -1})
disk = bytearray(1 << 16)


def config(key, value):
    if key != b"text":
        raise ValueError(f"{key.decode()} is no setting: use text=...")
    disk[: len(value)] = value
    return 0


def open_(readonly) -> Client:
    return Client(readonly)


def close(client: epy.Consumed[Client]):
    pass


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
    name="check",
    config=config,
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
