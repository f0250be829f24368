"""A filter for nbdkit, over a plugin in nbdkit's own Python: letters come out as capitals."""

import epy

try:
    from only_in_venv import NAME
except ImportError:
    NAME = "system"

nbdkit = epy.header("nbdkit-filter.h", errors={"int": -1})


def config(next_, backend, key, value):
    if key != b"packages":
        return next_(backend, key, value)
    if value != NAME.encode():
        raise ValueError(f"{NAME}, not {value}")
    return 0


def pread(next_, handle, buffer, count, offset, flags, error):
    if next_[0].pread(next_, buffer, count, offset, flags, error):
        return -1
    data = epy.view(buffer, count, writable=True)
    data[:] = bytes(data).upper()
    return 0


FILTER = nbdkit.nbdkit_filter(
    _api_version=nbdkit.NBDKIT_FILTER_API_VERSION,
    _version=nbdkit.NBDKIT_VERSION_STRING,
    name="check",
    config=config,
    pread=pread,
)


@nbdkit.export("struct nbdkit_filter *filter_init(void)")
def filter_init():
    return FILTER
