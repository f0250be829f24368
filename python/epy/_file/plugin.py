"""A plugin's file, opened and checked, without loading it."""

from pathlib import Path

from .. import _archive
from .._archive import Archive
from .._errors import PluginFormatError
from .elf import Image
from .read import read_file
from .tables import Tables


def open_plugin(path: Path) -> tuple[Image, Archive]:
    """The checked file, and its archive (empty for a bare stub)."""
    image = Image(bytearray(read_file(path)), str(path))
    Tables(image).check()
    extent = image.info().archive
    if extent.size == 0:
        return image, _archive.read(_archive.FIRST_LINE + _archive.LAST_LINE)
    try:
        return image, _archive.read(image.bytes_at(extent.address, extent.size))
    except PluginFormatError as error:
        raise PluginFormatError(f"{path}: {error}") from None
