"""`epy trace`: run a host, and write a timeline of the calls that reached a plugin."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from .._errors import Error
from .._file.plugin import open_plugin
from .._printable import printable
from .run import not_started, placed

Event = dict[str, Any]


def trace(plugin: Path, command: list[str], output: Path) -> tuple[int, str]:
    """Run the host; its exit status, and a table of the calls. `output` gets the timeline.

    The timeline is JSON that https://ui.perfetto.dev and chrome://tracing open.
    """
    if not command:
        raise Error("name the host's command line: epy trace plugin.so -- HOST ARG ...")
    open_plugin(plugin)  # it may be none
    if output.is_dir():  # told before the host has run
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(output))
    descriptor, events = tempfile.mkstemp(
        ".part", f".{output.name}.", os.path.dirname(os.path.abspath(output))
    )
    os.close(descriptor)
    try:
        arguments, environment = placed(plugin, command, os.environ)
        status = _run(arguments, {**environment, "EPY_TRACE": events})
        found = read(Path(events))
        with open(events, "w", encoding="utf-8") as file:
            timeline = {"traceEvents": found, "displayTimeUnit": "ns"}
            json.dump(timeline, file, ensure_ascii=False)  # see _running/tracing.py
        os.replace(events, output)
    finally:
        if os.path.exists(events):
            os.unlink(events)
    return status, summary(found)


def _run(arguments: list[str], environment: dict[str, str]) -> int:
    """Ctrl-C is the host's: it may have something to say about it."""
    try:
        process = subprocess.Popen(arguments, env=environment)
    except OSError as error:
        raise not_started(arguments[0], error) from None
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        status = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    return 128 - status if status < 0 else status


def read(path: Path) -> list[Event]:
    """The events that a host has left; a last line that is cut off does not count."""
    lines = path.read_bytes().split(b"\n")[1:]
    return [json.loads(line[:-1]) for line in lines if line.endswith(b"},")]


def summary(events: list[Event]) -> str:
    """A table: by function how often, how long in all and at most, how many failed."""
    events = [event for event in events if event["ph"] == "X"]
    if not events:
        return "no call reached the plugin: does the host load it, and call it?\n"
    calls: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        calls[event["name"]].append(event)
    rows = [("calls", "total ms", "longest ms", "errors", "")]
    for name, made in sorted(calls.items(), key=lambda it: -sum(e["dur"] for e in it[1])):
        times = [event["dur"] / 1000 for event in made]
        errors = sum("error" in event["args"] for event in made)
        cells = (f"{len(made):,}", f"{sum(times):,.3f}", f"{max(times):,.3f}", f"{errors or ''}")
        rows.append((*cells, printable(name)))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join([*(cell.rjust(width) for cell, width in zip(row, widths, strict=False)), row[4]])
        for row in rows
    ]
    threads = _count({(event["pid"], event["tid"]) for event in events}, "thread")
    lines.append(f"{threads} in {_count({event['pid'] for event in events}, 'process')}")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _count(items: set[Any], name: str) -> str:
    ending = "" if len(items) == 1 else "es" if name.endswith("s") else "s"
    return f"{len(items)} {name}{ending}"
