"""Calls of a plugin, as they happen, in the file that EPY_TRACE names: `epy trace` starts hosts so.

The file has one event to a line, in the form of Chrome's "Trace Event Format" (a JSON array that
needs no end), so that it is of use also when the host was killed. Any number of processes and
threads write to it: each event is one write at the end of the file.

Texts are as they are shown on a terminal, in UTF-8: Perfetto does not undo JSON's `\\u`, and where
a text has other escapes too it drops the event's arguments.
"""

from __future__ import annotations

import json
import os
import reprlib
import time
from _ctypes import CFuncPtr, _Pointer
from _thread import get_native_id
from ctypes import c_void_p, cast

from .._printable import printable
from .._report import write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._plugin import Running

    Function = Callable[..., Any]

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 60


class Trace:
    """One file of events."""

    def __init__(self, path: str) -> None:
        self._path = os.path.abspath(path)
        self._named: set[tuple[int, int]] = set()  # threads whose name is in the file
        self._open()
        if os.fstat(self._file).st_size == 0:
            os.write(self._file, b"[\n")

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(self._path, flags, 0o600)
        self._identity = _identity(self._file)

    def _append(self, data: bytes) -> None:
        """A daemon closes what it has not opened: the number may be another file's by now."""
        try:
            is_kept = _identity(self._file) == self._identity
        except OSError:
            is_kept = False
        if not is_kept:
            self._open()
        os.write(self._file, data)

    def called(self, function: Function, label: str, plugin: str) -> Function:
        """A function that does the same, and writes when it was called, with what, for how long.

        The time is that of the Python function: not of making its arguments, nor of the host's
        side of the call.
        """

        def traced(*arguments: Any) -> Any:
            begin, problem = time.perf_counter_ns(), ""
            try:
                return function(*arguments)
            except BaseException as error:
                problem = _line(error)
                raise
            finally:
                shown = [printable(_shown(it)) for it in arguments]
                details = {"arguments": shown, "plugin": printable(plugin)}
                if problem:
                    details["error"] = printable(problem)
                self._write(label, begin, details)

        return traced

    def started(self, plugin: str, begin: int, state: str) -> None:
        """A plugin has started, or failed to."""
        self._write("start", begin, {"plugin": printable(plugin), "state": state})

    def _write(self, name: str, begin: int, details: dict[str, Any]) -> None:
        process, thread = os.getpid(), get_native_id()
        event = {
            "name": printable(name),
            "cat": "epy",
            "ph": "X",
            "ts": begin / 1000,  # microseconds
            "dur": (time.perf_counter_ns() - begin) / 1000,
            "pid": process,
            "tid": thread,
            "args": details,
        }
        events = [event]
        if (process, thread) not in self._named:
            self._named.add((process, thread))
            about = {"name": "thread_name", "ph": "M", "pid": process, "tid": thread}
            events.append({**about, "args": {"name": printable(_thread_name(thread))}})
        lines = "".join(f"{json.dumps(it, ensure_ascii=False)},\n" for it in events)
        try:
            self._append(lines.encode())
        except OSError:
            pass  # the disk is full, or the host in a chroot: its call counts for more


def _identity(file: int) -> tuple[int, int]:
    status = os.fstat(file)
    return status.st_dev, status.st_ino


def _thread_name(thread: int) -> str:
    """As the system knows it: what the host has called it."""
    try:
        with open(f"/proc/self/task/{thread}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().rstrip("\n")
    except OSError:
        return str(thread)


def _shown(value: Any) -> str:
    try:
        if isinstance(value, _Pointer):
            return f"{value._type_.__name__} * {cast(value, c_void_p).value or 0:#x}"
        if isinstance(value, CFuncPtr):
            return f"function at {cast(value, c_void_p).value or 0:#x}"
        return _short.repr(value)
    except Exception:  # a value's own
        return f"<{type(value).__name__}>"


def _line(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__


_traces: dict[str, Trace] = {}


def follow(script: Running, path: str) -> Trace:
    """Trace a script's calls from now on. OSError if the file cannot be written."""
    if path not in _traces:
        _traces[path] = Trace(path)
    script.trace = _traces[path]
    return _traces[path]


def load_traced(script: Running, path: str, load: Callable[[Running], int]) -> int:
    """Load a plugin's script, which `load` does, with its calls in the file."""
    begin = time.perf_counter_ns()
    try:
        trace = follow(script, path)
    except OSError as error:
        write(f"epy: EPY_TRACE={path}: {error.strerror}: calls are not traced; name another file")
        return load(script)
    try:
        return load(script)
    finally:
        trace.started(script.path, begin, script.plugin.state)
