"""Reports of exceptions that a callback or a script's start must not let out to the host."""

import posix
import sys
from _thread import get_ident

from . import _core
from ._errors import BindingsError, Error, UntrustedFileError, wrong_argument
from ._script import find_script, imported, nowhere, registry, script_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType
    from types import TracebackType
    from typing import Any

    from ._script import Script

_FOLDER = __file__.rpartition("/")[0] + "/"
_in_hook: set[int] = set()  # threads that run `epy.error_hook`
_formatting: set[int] = set()  # which read files for that: a plugin may stand before open()
DEBUG, INFO, WARNING, ERROR = range(4)  # of EPY_LOG, as in epy.h


class Report:
    """An exception that a callback raised: what `epy.error_hook` receives."""

    __slots__ = ("_traceback", "exception", "label", "plugin", "thread")

    def __init__(
        self, exception: BaseException, label: str, plugin: str | None, thread: str
    ) -> None:
        self.exception = exception
        self.label = label
        """What was called: "export 'add'", "callback 'compare'"."""
        self.plugin = plugin
        """Path of the plugin, or None outside one."""
        self.thread = thread
        """The name that Python has for it; of a host's thread the system's, and its number."""
        self._traceback: str | None = None

    @property
    def text(self) -> str:
        """One line that says where, and the traceback."""
        of = f" of {self.plugin}" if self.plugin else ""
        header = _one_line(f"epy: exception in {self.label}{of}, thread {self.thread}:")
        return header + self.traceback

    @property
    def traceback(self) -> str:
        """As Python prints it, with the exception."""
        if self._traceback is None:
            self._traceback = format_exception(self.exception)
        return self._traceback


def print_report(report: "Report") -> None:
    """The default `epy.error_hook`: the report goes to the host's sink, to stderr or a file.

    Of equal reports on end, from whatever threads, the first is printed, then "... 12 more".
    """
    if not isinstance(report, Report):
        raise wrong_argument(
            "print_report", "report", report, "a Report, as epy.error_hook gets it"
        )
    _print_report(report, "")


def _print_report(report: "Report", more: str) -> None:
    _write(
        report.text + more,
        report.plugin,
        is_error=True,
        about=(report.plugin, report.label, report.traceback, more),
    )


# The hook of `epy.error_hook`: the plugin's own, else the process's, else `print_report`.


def find_hook(script: "Script") -> "Any":
    (hook,) = script.error_hook or registry.error_hook or (print_report,)
    return hook


def set_hook(hook: object) -> None:
    if not callable(hook):
        raise TypeError(f"epy.error_hook = {hook!r}: give a function that takes a Report")
    owner = _hook_owner()
    if owner is not None:
        owner.error_hook = (hook,)


def remove_hook() -> None:
    owner = _hook_owner()
    if owner is not None:
        owner.error_hook = None


def _hook_owner() -> "Any":
    """Whose hook the running code sets; None for code of a plugin that is gone."""
    script = find_script()
    if script is not nowhere():
        return script
    return registry if _core.current_plugin() is None else None


def reporter(callback: "_core.Callback", exception: BaseException) -> bool:
    """The core calls this, with the GIL, for every exception that leaves a callback.

    True if it is Ctrl-C in a Python that is not epy's: it shall strike when that program goes on.
    """
    # By its type: an exception may raise when it is asked for its class.
    if is_interrupt(exception):
        return True
    native = _core.current_plugin()
    report = Report(exception, callback.label, native.path if native else None, _thread_name())
    _core.note_error(exception, report.plugin, report.label, report.traceback, report.thread)
    hook = find_hook(script_of(native))
    this_thread = get_ident()
    if this_thread in _in_hook:
        print_report(report)  # a callback that the hook called; the hook would do that for ever
        return False
    _in_hook.add(this_thread)
    try:
        hook(report)
    except BaseException as error:
        _print_report(report, _one_line(f"epy: epy.error_hook failed: {_last_line(error)}"))
        return is_interrupt(error)
    finally:
        _in_hook.discard(this_thread)
    return False


def write_failed_start(script: "Script", source: str, error: BaseException) -> None:
    """Say of a plugin that it did not start, and why."""
    if isinstance(error, (BindingsError, UntrustedFileError)):
        write(f"epy: {script.path}: {error}", script.path, is_error=True)
        return
    version = ".".join(map(str, sys.version_info[:3]))
    head = f"epy: the plugin {script.path} did not start: its script failed"
    if is_want_of_memory(error):
        head = f"epy: {script.path}: out of memory at its start; the next call tries again"
    where = (
        f"  script: {source}",
        f"  Python: {version} ({script.executable or sys.executable})",
        f"  sys.path: {':'.join(sys.path)}",
    )
    rest = format_exception(error) + "".join(map(_one_line, where))
    write(head, script.path, rest, is_error=True)


_OF_MEMORY_TOO = (RuntimeError, OSError, ImportError, SystemError)
_WANT_OF_MEMORY = (
    "allocate",
    "cannot create shared object descriptor",
    "failed to map",
    "without setting an exception",
    "MemoryError",
)


def is_want_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, at the bottom of what was made of it on the way.

    Python's locks, the dynamic loader and ctypes have errors of their own; C code may forget to
    raise any.
    """
    one: BaseException | None = error
    met: set[int] = set()  # a script's causes may lead back
    while one is not None and id(one) not in met:
        met.add(id(one))
        if isinstance(one, MemoryError) or (
            (isinstance(one, _OF_MEMORY_TOO) or type(one).__name__ == "ArgumentError")
            and _tells_of_memory(_last_line(one))
        ):
            return True
        one = one.__cause__ or one.__context__
    return False


def _tells_of_memory(text: str) -> bool:
    return any(part in text for part in _WANT_OF_MEMORY) or text.endswith(
        "cannot open shared object file"  # else it says why
    )


def is_interrupt(exception: BaseException) -> bool:
    """Whether it is the Ctrl-C of a Python that is not epy's, which waits for it."""
    start: Any = sys.modules.get("epy._start")
    is_epys = start is not None and not start.taken_over
    if is_epys or not issubclass(type(exception), KeyboardInterrupt):
        return False
    import signal

    return callable(signal.getsignal(signal.SIGINT))


def write(
    line: str,
    plugin: str | None = None,
    rest: str = "",
    *,
    is_error: bool = False,
    level: int = ERROR,
) -> None:
    """Give a line to the host's sink (epy.h), or print it, if EPY_LOG wants its level.

    Whatever names are in it, it is one, and nothing in it is obeyed by a terminal; `rest` follows
    as it is. `plugin` is the path of the plugin that it is about; `is_error`: it is about this
    thread's last error.
    """
    _write(_one_line(line) + rest, plugin, is_error=is_error, level=level)


def _one_line(text: str) -> str:
    if not text.isprintable():
        from ._printable import printable

        text = printable(text)
    return text + "\n"


def _write(
    text: str,
    plugin: str | None,
    *,
    is_error: bool,
    level: int = ERROR,
    about: "Any" = None,
) -> None:
    """`about` is equal for equal reports: those after the first are counted."""
    if not _core.is_logged(level) or _core.log(level, plugin, text, is_error):
        return
    folding = imported("epy._running.folding")
    if about is not None and folding is None:
        from ._running import folding
    if folding is not None:
        before = folding.follow(about)
        if before is None:
            return
        text = before + text
    print_text(text, level)


def print_text(text: str, level: int) -> None:
    """In EPY_LOG's file, else on sys.stderr, or file descriptor 2 if that is missing or broken."""
    try:
        if _core.log_to_file(level, text.encode("utf-8", "backslashreplace")):
            return
        stream: Any = sys.stderr
        untouched: Any = sys.__stderr__
        if stream is untouched:
            # Not through its buffer: Python aborts at its end if a thread was writing there, and
            # threads of hosts report at any time. (None fails here, and is written to 2 below.)
            stream.flush()
            _write_all(stream.fileno(), text.encode(stream.encoding, "backslashreplace"))
        else:
            stream.write(text)
            stream.flush()
    except BaseException:  # SystemExit too: nothing may keep a report from being seen
        try:
            _write_all(2, text.encode("utf-8", "backslashreplace"))
        except OSError:
            pass  # no one listens


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[posix.write(file, data) :]


def format_exception(exception: BaseException) -> str:
    """The traceback as Python prints it, without epy's own frames above the script's."""
    this_thread = get_ident()
    if this_thread in _formatting:
        return _last_line(exception) + "\n"
    _formatting.add(this_thread)
    try:
        import traceback

        start = exception.__traceback__
        while start is not None and _is_ours(start):
            start = start.tb_next
        if start is None and not isinstance(exception, (Error, SyntaxError)):
            start = exception.__traceback__
        _show_stored_lines(start)
        text = "".join(traceback.format_exception(type(exception), exception, start))
        return text if text.endswith("\n") else text + "\n"  # notes may be anything
    except BaseException as error:
        return f"{_last_line(exception)} (no traceback: {_last_line(error)})\n"
    finally:
        _formatting.discard(this_thread)


def _is_ours(entry: "TracebackType") -> bool:
    filename = entry.tb_frame.f_code.co_filename
    return filename.startswith((_FOLDER, "<frozen importlib"))


def _show_stored_lines(entry: "TracebackType | None") -> None:
    """Let the traceback show the lines that the plugin holds, not those of a file edited since."""
    import linecache

    while entry is not None:
        code, scope = entry.tb_frame.f_code, entry.tb_frame.f_globals
        lines = getattr(scope.get("__loader__"), "stored_lines", None)
        if lines is not None:
            found = lines(scope.get("__name__"))
            linecache.cache[code.co_filename] = (len(found), None, found, code.co_filename)
        entry = entry.tb_next


def _last_line(exception: BaseException) -> str:
    try:
        text = f"{type(exception).__name__}: {exception}"
    except BaseException:
        text = type(exception).__name__
    return _one_line(text)[:-1]


def _thread_name() -> str:
    """The name that `threading` has for this thread, else the system's with its number.

    `threading` is not imported for it: it would take the first thread that imports it for the main
    one. `current_thread()` is not called: it would make an entry for a thread of the host.
    """
    threading = imported("threading")
    if threading is not None:
        for thread in threading.enumerate():
            if thread.ident == get_ident():
                return str(thread.name)
    from _thread import get_native_id

    number = get_native_id()
    return "MainThread" if number == posix.getpid() else f"{_core.thread_name()} ({number})"


def acquire(lock: "LockType", seconds: int, plugin: str, what: str) -> bool:
    """What another thread does is waited for, a while: then a line says so, and the result is
    False."""
    taken = lock.acquire(timeout=seconds)
    if not taken:
        write(
            f"epy: {plugin}: the end has waited {seconds} s for {what} that runs in another "
            "thread, and goes on beside it",
            plugin,
        )
    return taken
