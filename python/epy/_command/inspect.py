"""`epy inspect`: what a plugin says about itself, read from its file without loading it."""

import os
from pathlib import Path
from typing import Any

from .._archive import Archive
from .._file.elf import DT_SONAME, STUB_BARE, STUB_EAGER, STUB_OWN_GIL, Image
from .._file.plugin import open_plugin
from .._printable import printable

Description = dict[str, Any]


def describe(path: Path) -> Description:
    """All that is known of a plugin, as JSON can hold it."""
    image, archive = open_plugin(path)
    info = image.info()
    try:
        functions, data, callbacks = _functions(archive), _data(archive), _callbacks(archive)
    except ValueError:
        raise image.problem("the manifest is damaged; build the plugin again") from None
    return {
        "plugin": str(path),
        "bytes": len(image.data),
        "name": archive.text("plugin"),
        "soname": _soname(image),
        "mode": _mode(info.flags),
        "isolation": "own-gil" if info.flags & STUB_OWN_GIL else "shared",
        "kind": archive.text("kind"),
        "source": archive.text("source"),
        "editable": archive.text("editable"),
        "reload": archive.text("reload") == "yes",
        "modules": [name for name, _, _ in archive.members],
        "files": [{"name": name, "size": end - begin} for name, begin, end in archive.files],
        "python": {
            "version": archive.text("python", "version"),
            "executable": _file(image, info.executable_path)
            or _missing_file(archive.text("python", "executable")),
            "libpython": _file(image, info.libpython_path)
            or _missing_file(archive.text("python", "libpython")),
        },
        "loader": _file(image, info.loader_path),
        "epy": archive.text("epy"),
        "contract": info.contract,
        "functions": functions,
        "data": data,
        "unnamed_slots": callbacks,
        "constants": [{"name": name, "size": len(value)} for name, value in archive.constants],
        "slots": {"used": info.slots_used, "capacity": info.slot_capacity},
    }


def render(found: Description) -> str:
    """A description for people."""
    found = _shown(found)
    lines = [f"{found['plugin']}: {_summary(found)}", ""]
    facts = [
        ("script", _script(found)),
        ("python", found["python"]["version"]),
        ("executable", _path(found["python"]["executable"])),
        ("libpython", _path(found["python"]["libpython"])),
        ("loader", _path(found["loader"])),
        ("soname", found["soname"]),
        ("slots", f"{found['slots']['used']} of {found['slots']['capacity']}"),
    ]
    lines += _table([fact for fact in facts if fact[1]])
    functions = [
        (item["signature"], item["name"], _remarks(item["error"], item["version"]))
        for item in found["functions"]
    ]
    data = [(item["signature"], item["name"], f"{item['size']} bytes") for item in found["data"]]
    constants = [
        (item["name"], item["name"], f"{item['size']} bytes") for item in found["constants"]
    ]
    for title, rows in (("functions", functions), ("data", data), ("constants", constants)):
        if rows:
            lines += ["", f"{title} ({len(rows)})"]
            lines += ["  " + line for line in _table([_exported(*row) for row in rows])]
    if found["unnamed_slots"]:
        lines += ["", f"callbacks without a name: {len(found['unnamed_slots'])}"]
    return "\n".join(lines) + "\n"


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return printable(value) if isinstance(value, str) else value


def _functions(archive: Archive) -> list[Description]:
    versions = {row["name"]: row["version"] for row in archive.rows("version")}
    addresses = [{**row, "codes": None, "error": None} for row in archive.rows("address")]
    found = [
        {
            "name": row["name"],
            "slot": row["slot"],
            "codes": row["codes"],
            "signature": row["text"],
            "error": row["error"],
            "version": versions.get(row["name"]),
        }
        for row in [*archive.rows("function"), *addresses]
    ]
    return sorted(found, key=lambda item: item["slot"])


def _data(archive: Archive) -> list[Description]:
    return [
        {
            "name": row["name"],
            "address": row["address"],
            "size": row["size"],
            "signature": row["text"],
        }
        for row in archive.rows("data")
    ]


def _callbacks(archive: Archive) -> list[int]:
    return [row["slot"] for row in archive.rows("callback")]


def _mode(flags: int) -> str:
    if flags & STUB_BARE:
        return "bare"
    return "eager" if flags & STUB_EAGER else "lazy"


def _soname(image: Image) -> str:
    entry = image.dynamic(DT_SONAME)
    strings = image.info().strings
    if entry is None or entry.value >= strings.size:
        return ""
    return os.fsdecode(image.text_at(strings.address + entry.value))


def _file(image: Image, address: int) -> Description | None:
    return _missing_file(os.fsdecode(image.text_at(address))) if address else None


def _missing_file(path: str) -> Description:
    return {"path": path, "exists": os.path.exists(path)}


def _summary(found: Description) -> str:
    size = f"{found['bytes']:,} bytes"
    if found["mode"] == "bare":
        return f"bare stub, {size}; runs the script of the same stem beside it"
    starts = "when it is loaded" if found["mode"] == "eager" else "at the first call"
    own = ", an interpreter with a lock of its own" if found["isolation"] == "own-gil" else ""
    return (
        f"{found['mode']} plugin, {size}; starts Python {starts}{own}; built by epy {found['epy']}"
    )


def _script(found: Description) -> str:
    if found["mode"] == "bare":
        return ""
    if found["editable"]:
        also = ", again when it changes" if found["reload"] else ""
        return f"{found['editable']} (editable: read from there{also})"
    stored = _count(found["modules"], "module")
    if found["files"]:
        stored += f", {_count(found['files'], 'file')}"
    return f"{found['source']} ({stored} stored)"


def _count(items: list[Any], name: str) -> str:
    return f"{len(items)} {name}{'s' * (len(items) != 1)}"


def _path(file: Description | None) -> str:
    if file is None:
        return ""
    return f"{file['path']}{'' if file['exists'] else '   MISSING'}"


def _remarks(error: str | None, version: str | None) -> str:
    remarks = [f"version {version}"] if version else []
    remarks += [f"error {error}"] if error not in (None, "None") else []
    return ", ".join(remarks)


def _exported(signature: str, name: str, remark: str) -> tuple[str, str]:
    named = signature if name in signature else f"{name}: {signature}".rstrip(": ")
    return named, remark


def _table(rows: list[tuple[str, str]]) -> list[str]:
    """Two aligned columns."""
    width = max((len(first) for first, _ in rows), default=0)
    return [f"{first:<{width}}  {second}".rstrip() for first, second in rows]
