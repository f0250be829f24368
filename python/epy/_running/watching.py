"""Plugins built with `epy build --reload`: a thread looks whether their files have changed."""

from __future__ import annotations

import os
import time
from _thread import allocate_lock, start_new_thread

from .._file.sources import read_script
from .._report import WARNING, write
from .._script import registry
from . import reloading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .._modules import Sources
    from .._plugin import Running

    Stamps = dict[str, tuple[int, int, int]]

_PAUSE = 0.2  # seconds


class _Watched:
    """The files of one script, as they were when it ran."""

    __slots__ = ("seen", "settled", "sources")

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.settled = self.seen = _stamps(sources)

    def look(self) -> bool:
        """Whether they have changed, and are whole by now: the same twice."""
        before, self.seen = self.seen, _stamps(self.sources)
        if self.seen == self.settled or self.seen != before:
            return False
        self.settled = self.seen
        return True


def _stamps(sources: Sources) -> Stamps:
    files = [filename for filename, _ in sources.members.values()]
    folders = {os.path.dirname(name) for name in files} if sources.package else ()
    found = {}
    for name in (*files, *folders):
        try:
            status = os.stat(name)
        except OSError:
            found[name] = 0, 0, 0  # an editor is about to put it there
        else:
            found[name] = status.st_mtime_ns, status.st_size, status.st_ino
    return found


_watched: dict[Running, _Watched] = {}
_guard = allocate_lock()
_runs = False


def watch(script: Running, sources: Sources) -> None:
    """Run a script again whenever its files change, until its plugin is unloaded."""
    with _guard:
        _watched[script] = _Watched(sources)
    _start()


def _start() -> None:
    global _runs
    with _guard:
        if _runs or not _watched:
            return
        _runs = True
    start_new_thread(_run, ())


def _run() -> None:
    global _runs
    while True:
        time.sleep(_PAUSE)
        with _guard:
            for script in [script for script in _watched if not _is_loaded(script)]:
                del _watched[script]
            if not _watched:
                _runs = False
                return
            scripts = list(_watched.items())
        for script, watched in scripts:
            if watched.look():
                _reload(script, watched)
        del script, watched, scripts  # or they would stay for as long as this sleeps


def _is_loaded(script: Running) -> bool:
    return script.native.loaded and registry.by_plugin.get(script.native) is script


def _reload(script: Running, watched: _Watched) -> None:
    try:
        assert script.place is not None
        sources = read_script(script.place)
        if sources.members == watched.sources.members and not sources.data:
            return
        watched.sources = sources
        watched.settled = watched.seen = _stamps(sources)
        line = f"epy: {script.path}: reloaded"
        reloading.run_again(script, sources, lambda: write(line, level=WARNING))
    except BaseException as error:
        reloading.report(script, error)


def _in_child() -> None:
    """A forked child has no thread."""
    global _guard, _runs
    _guard = allocate_lock()
    _runs = False
    _start()


os.register_at_fork(after_in_child=_in_child)
