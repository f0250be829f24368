"""`import plugin`: where a plugin lies beside its script, Python finds the plugin first.

The plugin then stands in for the script, which is run as a module like any other: no host is there,
and nothing is exported. So the tests of a script can lie beside the plugin that was built of it.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType


def init_name(file: str) -> str | None:
    """What Python looks up in a file of this name to import it (PEP 489); None if it does not."""
    stem = file.partition(".")[0]
    if not stem.isidentifier():
        return None
    if stem.isascii():
        return f"PyInit_{stem}"
    return "PyInitU_" + stem.encode("punycode").decode("ascii").replace("-", "_")


def execute(module: ModuleType) -> None:
    """Run the script of the plugin that a module was loaded from: the one beside, else its own."""
    spec = module.__spec__
    plugin = (spec and spec.origin) or ""
    script = f"{os.path.dirname(plugin)}/{module.__name__.rpartition('.')[2]}.py"
    spec = _spec_of_file(module.__name__, script) if os.path.isfile(script) else None
    spec = spec or _stored_spec(module.__name__, plugin)
    if spec is None or spec.loader is None:
        raise ImportError(f"{plugin}: holds no script", name=module.__name__, path=plugin)
    module.__spec__, module.__loader__ = spec, spec.loader
    vars(module).update(__file__=spec.origin, __cached__=spec.cached)
    module.__package__ = spec.parent
    if spec.submodule_search_locations is not None:
        module.__path__ = spec.submodule_search_locations
    spec.loader.exec_module(module)


def _spec_of_file(name: str, script: str) -> ModuleSpec | None:
    from importlib.util import spec_from_file_location

    if os.path.isdir(script):
        return spec_from_file_location(
            name, f"{script}/__init__.py", submodule_search_locations=[script]
        )
    return spec_from_file_location(name, script)


def _stored_spec(name: str, plugin: str) -> ModuleSpec | None:
    from pathlib import Path

    from .._archive import stored_sources
    from .._file.plugin import open_plugin
    from .._modules import find_modules

    image, archive = open_plugin(Path(plugin))
    editable = archive.text("editable")
    if editable:
        return _spec_of_file(name, editable)
    extent = image.info().archive
    stored = image.bytes_at(extent.address, extent.size)
    sources = stored_sources(archive, lambda begin, end: bytes(stored[begin:end]))
    return find_modules(name, name.rpartition(".")[2], plugin, sources).find(name)
