"""`epy build`: import a script, collect what it exports, and stamp it into a copy of the stub."""

import functools
import marshal
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .. import __version__, _core
from .._c.flags import absolute
from .._error_values import in_memory, shown
from .._errors import Error, ScriptError, StampError
from .._exports.data import layout
from .._exports.memory import Block as Memory
from .._exports.memory import collect
from .._file import archive_writer
from .._file.archive_writer import row
from .._file.elf import STUB_BARE, STUB_EAGER, STUB_OWN_GIL
from .._file.pack import make_pack
from .._file.sources import read_script
from .._file.stamp import Data, Settings, stamp, write
from .._file.tables import LOADER
from .._file.tail import Block, BlockPointer, Slot, SlotPointer
from .._modules import MAGIC, Sources, drop_modules
from .._parts import HeaderOptions
from .._report import format_exception
from .._running.importing import init_name
from .._types import plain_codes
from .building import Building
from .choices import check_choices, check_offers, check_targets, has_own_gil
from .depfile import files_of, write_rule
from .later_prototypes import read_later_prototypes
from .needed_modules import warnings
from .python import Python, find
from .used_names import check_used_names


def build(
    script: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    editable: bool = False,
    reload: bool = False,
    eager: bool = False,
    isolation: str = "shared",
    python: str | None = None,
    standalone: bool = False,
    cores: Iterable[str] = (),
    flags: Iterable[tuple[str, str]] = (),
    packages: Iterable[str] = (),
    depfile: str | os.PathLike[str] | None = None,
) -> Path:
    """Make a plugin from a script (a file, or the folder of a package); returns its path.

    The plugin is `output`, or the script's name with `.so` in the current folder. With `editable`
    it reads the script from its place at each load, otherwise it holds it; with `reload` it also
    runs it again when its files change. With `eager` Python starts when the plugin is loaded,
    otherwise at the first call. `python` is the interpreter that it starts if the host has none;
    default: this one.

    Plugins share an interpreter; with `isolation="own-gil"` this one has its own, with a lock (GIL)
    of its own: CPython 3.13 and newer.

    With `standalone` it holds what it needs of epy, for the Pythons in `cores` ("3.11") or for all
    that this epy serves, and takes the Python that it finds where it runs.

    For headers that the script reads: `flags` are a compiler's options, `[("-I", "include"),
    ("-D", "N=1")]`, `packages` are pkg-config's. `depfile` gets a rule for make: all the files that
    the plugin was made of.
    """
    editable = editable or reload
    check_choices(os.fspath(script), editable, standalone, tuple(cores))
    source = os.path.abspath(script)
    name = Path(source).stem
    # Everything before the script runs, which may change the folder.
    target = Path(os.path.abspath(_target(f"{name}.so" if output is None else output)))
    rule = None if depfile is None else Path(os.path.abspath(depfile))
    stamped = find(python)
    own_gil = has_own_gil(os.fspath(script), isolation, reload, stamped)
    target_python = stamped.executable
    pack = make_pack(tuple(cores) or None) if standalone else b""
    if standalone:
        stamped = stamped._replace(executable="", libpython="")
    sources = read_script(source, target)
    check_targets(target, rule, [filename for filename, _ in sources.members.values()])
    options = HeaderOptions(absolute(flags), tuple(packages))
    stored = Sources({}) if editable else sources
    filled = _run(Building(name, source, options, stored), sources)
    check_offers(filled, eager, own_gil)
    for line in warnings(source, sources, target_python, standalone):
        print(f"epy: {line}", file=sys.stderr)
    content = _Content(filled)

    rows = [
        row("plugin", name=name),
        row("mode", mode="eager" if eager else "lazy"),
        row("kind", kind="package" if sources.package else "module"),
        row("source", path=source),
        *([row("editable", path=source)] if editable else []),
        *([row("reload", reload="yes")] if reload else []),
        row("python", **stamped._asdict()),
        row("epy", version=__version__),
    ]
    files = files_of(sources, filled)
    settings = _settings(STUB_EAGER * eager | STUB_OWN_GIL * own_gil, stamped)
    constants = [] if editable else list(filled.constants.items())
    try:
        plugin = _stamped(target.name, settings, content, rows, stored, constants, pack)
    except StampError as error:
        raise StampError(f"{source}: {error}") from None
    if rule is not None:
        write_rule(rule, target.name if output is None else output, files)
    write(target, plugin)
    return target


def _stamped(
    name: str,
    settings: Settings,
    content: "_Content",
    rows: list[tuple[str, ...]],
    sources: Sources,
    constants: list[tuple[str, bytes]],
    pack: bytes,
) -> bytearray:
    """The plugin's file, with an archive of what is to be stored."""
    stored = [(key, *member) for key, member in sources.members.items()]
    code = [(key, MAGIC, _compile(*member)) for key, member in sources.members.items()]
    data = [(key, read()) for key, read in sources.data.items()]

    def archive(addresses: list[int]) -> bytes:
        manifest = [*rows, *content.manifest(addresses)]
        return archive_writer.write(manifest, stored, code, constants, content.headers, data)

    return stamp(
        name, settings, content.slots, content.blocks, content.data, archive,
        archive_writer.size_of_files(data), init_name(name), pack,
    )  # fmt: skip


def bare_stub(output: str | os.PathLike[str], python: str | None = None) -> Path:
    """Write the bare stub: named like a script and beside it, it runs that script."""
    target = _target(output)
    settings = _settings(STUB_BARE, find(python))
    write(
        target,
        stamp(target.name, settings, [], [], [], lambda _: b"", module=init_name(target.name)),
    )
    return target


def _target(output: str | os.PathLike[str]) -> Path:
    if not os.fspath(output):
        raise StampError("'': no name for the plugin; give a path with -o, or leave it out")
    return Path(output)


def _settings(flags: int, python: Python) -> Settings:
    if not python.libpython:
        return Settings(flags)
    return Settings(flags, os.fspath(LOADER), python.libpython, python.executable)


class _Content:
    """What a script defined, in the stamper's terms.

    Slots go to functions and addresses in order of definition, then to the callbacks that data
    points to and that have no name.
    """

    def __init__(self, script: Building) -> None:
        self._prototypes = script.prototypes
        self.headers = [(text, *found.packed()) for text, found in script.declarations.items()]
        self._functions = [item for item in script.exports.values() if item.kind != "data"]
        self._values = [item for item in script.exports.values() if item.kind == "data"]
        self._slot_of: dict[int, int] = {}  # by native address
        for index, item in enumerate(self._functions):
            self._slot_of.setdefault(item.address, index)
        callbacks = {item.address: item.callback for item in script.callbacks}
        unnamed: list[_core.Callback | None] = []
        for item in self._values:
            for address in item.functions:
                if address not in self._slot_of:
                    self._slot_of[address] = len(self._functions) + len(unnamed)
                    unnamed.append(callbacks.get(address))

        self._known = {*self._slot_of, *callbacks}
        found = collect([item.value for item in self._values], self._known)
        self.blocks = [self._block(block, 0, 0, False) for block in found]
        # collect() promises that block i is root i.
        self.data = [
            Data(item.name, index, len(self.blocks[index].data))
            for index, item in enumerate(self._values)
        ]
        self.slots = [
            self._slot(item.name, item.callback, item.version) for item in self._functions
        ]
        self.slots += [self._slot(None, callback) for callback in unnamed]

    def _block(self, block: Memory, known: int, shift: int, is_error: bool) -> Block:
        """A piece of memory for the stamper; blocks from number `known` on are moved by `shift`."""
        pointers: list[tuple[int, SlotPointer | BlockPointer]] = []
        for offset, target in block.relocations:
            if target[0] == "block":
                index = target[1] + (shift if target[1] >= known else 0)
                pointers.append((offset, BlockPointer(index, target[2])))
            elif target[1] in self._slot_of:
                pointers.append((offset, SlotPointer(self._slot_of[target[1]])))
            else:
                raise StampError("it points to a function that is no export: export it")
        return Block(block.data, block.align, pointers, is_error)

    def _slot(
        self, name: str | None, callback: _core.Callback | None, version: str | None = None
    ) -> Slot:
        """A slot with its callback's error value; of a bare address none is known."""
        if callback is None:
            return Slot(name, version=version)
        result, error, _, size, *_ = callback.error_value
        try:
            held = in_memory(callback)
            if held is None:
                return Slot(name, result, error, size, version=version)
            data = [item.value for item in self._values]
            found = collect([*data, held[0]], self._known, skip=len(data), kept=held[1:])
            # A value of two registers lies in the record itself.
            taken = len(data) + (0 if size else 1)
            first = len(self.blocks)
            blocks = [self._block(it, taken, first - taken, True) for it in found[len(data) :]]
        except StampError as reason:
            raise StampError(f"error= of {callback.label}: {reason}") from None
        if size:
            self.blocks += blocks
            pointers: Any = ((0, BlockPointer(first, 0)),)
            return Slot(name, result, bytes(16), size, pointers, version)
        self.blocks += blocks[1:]
        value = blocks[0]
        return Slot(name, result, value.data.ljust(16, b"\0"), 0, tuple(value.pointers), version)

    def manifest(self, addresses: list[int]) -> list[tuple[str, ...]]:
        """The archive's lines, once the address of each block is known."""
        rows: list[tuple[str, ...]] = []
        plain = {
            text: codes
            for text, (name, expression) in self._prototypes.items()
            if name != "?" and (codes := plain_codes(expression))
        }
        for slot, item in enumerate(self._functions):
            if item.kind == "function":
                named = {"name": item.name, "slot": slot, "text": item.text, "codes": item.codes}
                known = {"error": shown(item.error), "plain": "yes" if item.text in plain else ""}
                rows.append(row("function", **named, **known))
            else:
                rows.append(row("address", name=item.name, slot=slot, text=item.text))
            if item.version:
                rows.append(row("version", name=item.name, version=item.version))
        rows += [row("callback", slot=i) for i, slot in enumerate(self.slots) if slot.name is None]
        for item, data in zip(self._values, self.data, strict=True):
            rows.append(
                row(
                    "data",
                    name=item.name,
                    address=addresses[data.block],
                    size=data.size,
                    layout=layout(type(item.value)),
                    slots=[self._slot_of[address] for address in item.functions],
                    text=item.text,
                )
            )
        for text, (name, expression) in self._prototypes.items():
            if text in plain:
                rows.append(row("plain", text=text, name=name, codes=plain[text]))
            else:
                rows.append(row("prototype", text=text, name=name, expression=expression))
        return rows


@functools.cache
def _compile(filename: str, source: bytes) -> bytes:
    """A module as marshalled code. Starting the compiler takes longer than most scripts run."""
    try:
        return marshal.dumps(compile(source, filename, "exec", dont_inherit=True))
    except (SyntaxError, ValueError) as error:
        if getattr(error, "filename", None) is not None:
            raise
        raise ScriptError(f"{filename}: {error}") from None  # such as a NUL in it


def _run(script: Building, sources: Sources) -> Building:
    """Import the script, which fills it."""
    try:
        for member in sources.members.values():  # also those that no build imports
            _compile(*member)
        script.run(sources)
        script.check_complete()
        check_used_names(script, sources)
        read_later_prototypes(script, sources)
    except SystemExit as error:
        place = _place(script, sources, error)
        raise ScriptError(
            f'{place}: the script exits; put that under `if __name__ == "__main__":`'
        ) from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _failure(script, sources, error) from None
    drop_modules(script.module)
    return script


def _failure(script: Building, sources: Sources, error: BaseException) -> Error:
    """The one line for a script that raised; what is not plain from it is printed before."""
    first_line = _first_line(error)
    if isinstance(error, SyntaxError) and error.filename is not None:
        text = f": {error.text.strip()}" if error.text else ""
        place = f"{error.filename}:{error.lineno}" if error.lineno else error.filename
        return ScriptError(f"{place}: {error.msg}{text}")
    place = _place(script, sources, error)
    if isinstance(error, Error):
        named = any(first_line.startswith(name) for name, _ in sources.members.values())
        return type(error)(first_line if named else f"{place}: {first_line}")
    if place != script.path:
        sys.stderr.write(format_exception(error))
    if isinstance(error, ModuleNotFoundError):
        kind = "below" if sources.package else "beside"
        first_line += f": install it for {sys.executable}, or put it {kind} the script"
    return ScriptError(f"{place}: {type(error).__name__}: {first_line}")


def _first_line(error: BaseException) -> str:
    try:
        return (str(error).splitlines() or [""])[0]
    except Exception as other:
        return f"(its text cannot be had: {type(other).__name__})"


def _place(script: Building, sources: Sources, error: BaseException) -> str:
    """File and line of the script's innermost frame."""
    files = {filename for filename, _ in sources.members.values()}
    place, entry = script.path, error.__traceback__
    while entry is not None:
        if entry.tb_frame.f_code.co_filename in files:
            place = f"{entry.tb_frame.f_code.co_filename}:{entry.tb_lineno}"
        entry = entry.tb_next
    return place
