"""What EPY_LOG tells of a start, beside the report of a failed one."""

from __future__ import annotations

import sys

from .. import _report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .._script import Script


def say_started(script: Script, source: str) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    python = f"Python {version} ({script.executable or sys.executable})"
    count = f"{len(script.offered)} export{'' if len(script.offered) == 1 else 's'}"
    _report.write(
        f"epy: {script.path}: started: {count}, script {source}, {python}", level=_report.INFO
    )
    for name, export in script.exports.items():
        _report.write(f"epy: {script.path}: exports {export.kind} '{name}'", level=_report.DEBUG)
