"""The packages of a bundle: those that are named and what they need, as installed here."""

from __future__ import annotations

import json
import os
import re
import sysconfig
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from .._errors import Error

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^]]*)\])?")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")
_LEFT_OUT = {"__pycache__", "INSTALLER", "REQUESTED", "RECORD", "direct_url.json"}


def find_packages(wanted: Iterable[str]) -> list[Distribution]:
    """The packages, each once. Error for one that is not installed here."""
    found: dict[str, Distribution] = {}
    reached: set[tuple[str, frozenset[str]]] = set()
    left = [(one, "") for one in wanted]
    while left:
        text, needed_by = left.pop(0)
        name, extras = _name_in(text)
        if (_plain(name), extras) in reached:
            continue
        reached.add((_plain(name), extras))
        try:
            package = found.setdefault(_plain(name), distribution(name))
        except (PackageNotFoundError, ValueError):
            if needed_by and ";" in text:
                continue  # its marker may be for another system
            why = f", which {needed_by} needs" if needed_by else ""
            raise Error(
                f"--with {name}: the package {name}{why} is not installed in the Python that runs "
                f"this; install it: python3 -m pip install {name}"
            ) from None
        left += [(need, name) for need in _needs(package, extras)]
    return list(found.values())


def files_of(package: Distribution) -> Iterator[tuple[str, Path]]:
    """What to copy: the path below the folder of packages, and the file here."""
    if _is_editable(package):
        raise Error(
            f"--with {package.name}: is installed with --editable, so its files are elsewhere; "
            "install it without"
        )
    root = Path(str(package.locate_file(""))).resolve()
    listed = [str(file) for file in package.files or ()]
    for name in listed or _top_level(package, root):
        path = root / name
        if os.path.isabs(name) or name.startswith("..") or not path.exists():
            continue  # a program or data of the environment, not of the package
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            below = file.relative_to(root)
            if file.is_file() and not _LEFT_OUT.intersection(below.parts):
                yield below.as_posix(), file


def has_extensions(names: Iterable[str]) -> bool:
    """Whether some are shared objects, which are for one version of Python."""
    return any(name.endswith(".so") or ".so." in name for name in names)


def folder_of_packages(version: str) -> str:
    """As in a virtual environment."""
    return f"lib/python{version}/site-packages"


def _name_in(text: str) -> tuple[str, frozenset[str]]:
    match = _NAME.match(text)
    if match is None:
        raise Error(f"--with {text!r}: no package has such a name; give names")
    extras = (extra.strip().lower() for extra in (match[2] or "").split(","))
    return match[1], frozenset(filter(None, extras))


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _needs(package: Distribution, extras: frozenset[str]) -> Iterator[str]:
    for text in package.requires or ():
        extra = _EXTRA.search(text.partition(";")[2])
        if extra is None or extra[1].lower() in extras:
            yield text


def _is_editable(package: Distribution) -> bool:
    try:
        origin = json.loads(package.read_text("direct_url.json") or "{}")
    except ValueError:
        return False
    return bool(origin.get("dir_info", {}).get("editable"))


def _top_level(package: Distribution, root: Path) -> Iterator[str]:
    """Of a package of the system, which does not list its files."""
    text = package.read_text("top_level.txt") or _plain(package.name).replace("-", "_")
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    for name in text.split():
        yield from (one for one in (name, f"{name}.py", f"{name}{suffix}") if (root / one).exists())
