"""The reader's process, and a cache of what it has answered.

libclang never comes into this process, which may be a host's: another one loads it, and ends when
this one closes its pipe.
"""

from __future__ import annotations

import atexit
import glob
import marshal
import os
import re
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from .._errors import HeaderError
from .._printable import printable
from . import cache

OLDEST = 14  # libclang that is tried
_LIMIT = 120  # seconds for a header: it hangs
_CODE = """
import sys, types
sys.dont_write_bytecode = {bare!r}
sys.modules["epy"] = types.ModuleType("epy")  # without all that it is to a plugin
sys.modules["epy"].__path__ = [{folder!r}]
from epy._c.reader import main
main()
"""
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_OWN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "include")

_lock = threading.Lock()
_running: tuple[int, subprocess.Popen[bytes]] | None = None  # of the process with this number


def ask(
    request: dict[str, Any], keep: bool, make: Callable[[], dict[str, Any] | None] | None = None
) -> dict[str, Any]:
    """What the reader answers, or `make` if it can. Raises HeaderError. `keep`: the process serves
    further requests."""
    whole = _whole(request)
    key = cache.key(whole)
    if (found := cache.find(key)) is not None:
        return found
    began = time.time_ns()
    answer = make and make()
    if answer is None:
        with _lock:
            answer = _ask(whole, keep)
        assert "mistake" not in answer, answer["mistake"]
        if "error" in answer:
            raise HeaderError(printable(answer["error"]))
    cache.store(key, answer, began)
    return answer


def known(request: dict[str, Any]) -> dict[str, Any] | None:
    """What the reader has answered before."""
    return cache.find(cache.key(_whole(request)))


def _whole(request: dict[str, Any]) -> dict[str, Any]:
    library, resources = find_libclang()
    options = ["-resource-dir", resources] if resources else [f"-isystem{_OWN}"]
    arguments = [
        *(f"--target={os.uname().machine}-linux-gnu", *options, *request["arguments"]),
        f"-idirafter{os.path.join(_OWN, 'fallback')}",
    ]
    return {**request, "library": library, "arguments": arguments}


def find_libclang() -> tuple[str, str]:
    """The files of libclang and of its builtin headers ("" if it has none). Raises HeaderError."""
    for folder in sys.path:
        package = os.path.join(folder, "clang", "native")
        if os.path.exists(library := os.path.join(package, "libclang.so")):
            return library, _resources(os.path.join(package, "resource"))
    found = glob.glob("/usr/lib/llvm-*/lib/libclang.so.1") + glob.glob(
        "/usr/lib/*-linux-gnu/libclang-*.so.1"
    )
    newest = max(found, key=_version, default="")
    if _version(newest) < OLDEST:
        raise HeaderError(
            f"C is read by libclang, {OLDEST} or newer, which is not here: `pip install "
            "libclang-ng`, or your system's package (Debian: libclang1)"
        )
    folder = f"/usr/lib/llvm-{_version(newest)}/lib/clang/*"
    return newest, max(map(_resources, glob.glob(folder)), default="")


def _version(path: str) -> int:
    found = re.search(r"(?:llvm|libclang)-(\d+)", path)
    return int(found[1]) if found else 0


def _resources(folder: str) -> str:
    return folder if os.path.exists(os.path.join(folder, "include", "stddef.h")) else ""


def close() -> None:
    """End the reader's process, if it runs."""
    global _running
    if _running is not None and _running[0] == os.getpid():
        process = _running[1]
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.kill()
        process.wait()
    _running = None
    atexit.unregister(close)


def _ask(request: dict[str, Any], keep: bool) -> dict[str, Any]:
    process = _start()
    source, target = process.stdout, process.stdin
    assert source is not None and target is not None
    serves = False  # else, also after Ctrl-C, it may answer this when it is asked something else
    problem = f"is not read after {_LIMIT} s"
    try:
        target.write(marshal.dumps(request))
        target.flush()
        if select.select([source], [], [], _LIMIT)[0]:
            answer: dict[str, Any] = marshal.load(source)
            serves = keep
            return answer
    except (OSError, EOFError):
        problem = f"ended libclang's process (status {process.wait()})"
    finally:
        if not serves:
            close()
    raise HeaderError(f"{request['name']}: {problem}: paste the declarations that you need as text")


def _start() -> subprocess.Popen[bytes]:
    global _running
    if _running is not None and (_running[0] != os.getpid() or _running[1].poll() is not None):
        _running = None  # of the process that forked this one, or it has ended
    if _running is None:
        code = _CODE.format(folder=_PACKAGE, bare=sys.dont_write_bytecode)
        # What is preloaded may be the plugin.
        environment = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", "LD_AUDIT")}
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                process_group=0,  # Ctrl-C is for this process
            )
        except OSError as error:
            raise HeaderError(
                f"{sys.executable or 'sys.executable'}: {error.strerror}: C is read by another "
                "Python process: build the plugin with `epy build`"
            ) from None
        _running = os.getpid(), process
        atexit.register(close)  # a host's interpreter may end long before the host
    return _running[1]
