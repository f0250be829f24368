"""What is asked of `epy build` and does not go together: told before anything is written."""

import sys
from pathlib import Path

from .._errors import ScriptError, StampError
from .building import Building
from .python import Python

_FIRST_WITH_OWN_GIL = 3, 13  # in which ctypes can be imported, too


def check_choices(script: str, editable: bool, standalone: bool, cores: tuple[str, ...]) -> None:
    if standalone and editable:
        raise ScriptError(
            f"{script}: --standalone stores the script, --editable and --reload do not: choose one"
        )
    if cores and not standalone:
        raise ScriptError(f"{script}: --cores is for --standalone: add that")
    if not script:
        raise ScriptError("'': no script: give a .py file, or the folder of a package")


def check_targets(target: Path, rule: Path | None, files: list[str]) -> None:
    """`rule` is the file for make; the script is in the files."""
    if rule == target:
        raise StampError(f"{target}: the plugin would replace its --depfile; choose another")
    for path, option in ((target, "-o"), (rule, "--depfile")):
        if path is not None and path.exists() and any(map(path.samefile, files)):
            raise StampError(f"{path}: it would replace its script; choose another {option}")


def has_own_gil(script: str, isolation: str, reload: bool, python: Python) -> bool:
    """Whether the plugin is to have an interpreter of its own, which takes that Python."""
    if isolation not in ("shared", "own-gil"):
        raise ScriptError(f"{script}: isolation is 'shared' or 'own-gil', not {isolation!r}")
    if isolation == "shared":
        return False
    if reload:
        raise ScriptError(
            f"{script}: --reload watches from a thread, and an interpreter ends only without: "
            "leave it or --isolation own-gil out; --editable goes with both"
        )
    if tuple(map(int, python.version.split(".")[:2])) < _FIRST_WITH_OWN_GIL:
        raise ScriptError(
            f"{script}: --isolation own-gil takes CPython 3.13 or newer, and {python.executable} "
            f"is {python.version}: name a newer one with --python"
        )
    return True


def check_offers(script: Building, eager: bool, own_gil: bool) -> None:
    """What the script has defined: something that a host can have.

    Without exports it serves hosts that call functions by their Python names, which may be meant.
    """
    if not script.exports and not (eager and script.bindings):
        print(
            f"epy: {script.path}: exports nothing: mark functions with @epy.export, or only a host "
            "with epy.h reaches them",
            file=sys.stderr,
        )
    if own_gil and script.bindings:
        raise ScriptError(
            f"{script.path}: epy.Bindings are for the Python that the host runs, which a plugin "
            "with an interpreter of its own is not in: leave --isolation own-gil out"
        )
