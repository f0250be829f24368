"""The host initializes the Python that epy has started: it shall find what it would without epy.

CPython's own function has read the host's configuration (`sys.flags`, `sys.argv`). What it does in
a process's first initialization only is done here: where the host's modules are found, signals,
streams, the main thread. epy's plugins go on as before.
"""

from __future__ import annotations

import codecs
import os
import sys

from .. import _start
from .._modules import follow_shutdown
from . import environments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def take_over(
    *,
    environment: dict[bytes, bytes],
    program: str | None,
    home: str | None,
    home_variable: str | None,
    python_path: str | None,
    set_path: str | None,
    has_paths: bool,
    with_site: bool,
    with_signals: bool,
    buffered: bool,
    encoding: str | None,
    errors: str | None,
) -> None:
    """Let this Python be as the host's configuration says; called once, with the GIL."""
    _start.taken_over = True
    os.environ._data.clear()  # type: ignore[attr-defined]  # of epy's start: the host's has changed
    os.environ._data.update(environment)  # type: ignore[attr-defined]
    hosts_path, sys.path = sys.path, list(_start.standard_path)
    import threading

    site = __import__("site") if with_site else None
    _become_main_thread(threading)
    follow_shutdown(threading)
    sys.prefix, sys.exec_prefix = sys.base_prefix, sys.base_exec_prefix
    sys.executable = _find_program(program or "python3")
    sys._base_executable = sys.executable  # type: ignore[attr-defined]
    if set_path is not None:
        hosts_path, has_paths = set_path.split(os.pathsep), True
        sys.prefix = sys.exec_prefix = sys.base_prefix = sys.base_exec_prefix = ""
    if not has_paths:
        plugins = {*_start.standard_path, *environments.leave_path()}
        others = [entry for entry in hosts_path if entry not in plugins]
        first = python_path.split(os.pathsep) if python_path else []
        hosts_path = [*first, *_standard_path(home or home_variable)]
    if set_path is None and not (home or home_variable) and sys.version_info[:2] >= (3, 14):
        _enter_environment()
    sys.path = list(dict.fromkeys(hosts_path))
    _start.packages.found()
    if site is not None:
        _run_site(site)
    if not has_paths:  # what scripts have added
        sys.path += [entry for entry in others if entry not in sys.path]
    if with_signals:
        from .signals import install_handlers

        install_handlers()
    _configure_streams(buffered, encoding, errors)


def _become_main_thread(module: Any) -> None:
    """For `threading`, which took the thread that imported it, or that Python had started on."""
    before = module.main_thread()
    if before is module.current_thread():
        return
    module._main_thread = module._MainThread()
    # The other one is a thread of the host like any other: nobody waits for it, and it is not
    # known until it comes again, which it may never do.
    if module._active.get(before.ident) is before:
        del module._active[before.ident]
    before.__class__ = module._DummyThread
    before._name = module._newname("Dummy-%d")
    before._daemonic = True
    if hasattr(module, "_shutdown_locks"):  # before 3.13
        module._shutdown_locks.discard(before._tstate_lock)


def _find_program(name: str) -> str:
    """What `sys.executable` is for a host that calls itself so: found as a shell would."""
    if os.sep in name:
        return os.path.abspath(name)
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        found = os.path.join(folder, name)
        if os.path.isfile(found) and os.access(found, os.X_OK):
            return found
    return ""


def _enter_environment() -> None:
    """Where the host's program is in a virtual environment: since 3.14 `site` only checks that
    Python's own start has done so (Modules/getpath.py)."""
    folder = os.path.dirname(sys.executable)
    prefix = os.path.dirname(folder)
    if any(os.path.isfile(f"{place}/pyvenv.cfg") for place in (folder, prefix)):
        sys.prefix = sys.exec_prefix = prefix


def _standard_path(home: str | None) -> list[str]:
    """Where the standard library is: below `home` (PYTHONHOME), if the host has one."""
    if home is None:
        return list(_start.standard_path)
    prefix, _, exec_prefix = home.partition(os.pathsep)
    exec_prefix = exec_prefix or prefix
    sys.prefix, sys.exec_prefix = prefix, exec_prefix
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    if not os.path.isfile(f"{prefix}/lib/{version}/os.py"):
        return list(_start.standard_path)  # a virtual environment, whose packages `site` adds
    sys.base_prefix, sys.base_exec_prefix = prefix, exec_prefix
    return [
        f"{prefix}/lib/{version.replace('.', '')}.zip",
        f"{prefix}/lib/{version}",
        f"{exec_prefix}/lib/{version}/lib-dynload",
    ]


def _run_site(site: Any) -> None:
    site.PREFIXES = [sys.prefix, sys.exec_prefix]
    site.ENABLE_USER_SITE = site.USER_SITE = site.USER_BASE = None
    site.main()


def _configure_streams(buffered: bool, encoding: str | None, errors: str | None) -> None:
    encoding = codecs.lookup(encoding).name if encoding else None
    streams: tuple[Any, ...] = (sys.stdin, sys.stdout, sys.stderr)
    for stream in streams:
        if stream is None:
            continue
        is_for_errors = stream is sys.stderr
        stream.reconfigure(
            encoding=encoding,
            errors="backslashreplace" if is_for_errors else errors,
            line_buffering=buffered and (is_for_errors or stream.isatty()),
            write_through=not buffered and stream is not sys.stdin,
        )
