"""What a script marks: functions, callbacks and addresses for its host.

Long because most of it is docstrings.
"""

import sys

from . import _errors, _native  # the last runs when something is not plain
from ._core import NativeFunction
from ._script import Script, find_script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _ctypes import CFuncPtr
    from collections.abc import Callable
    from types import FrameType
    from typing import Any, overload

    from ._native import Signature
    from ._signature import Prototype

    Function = Callable[..., Any]


def _is_ours(frame: "FrameType") -> bool:
    package: str = frame.f_globals.get("__package__") or ""
    return package.partition(".")[0] == __package__


def _namespace(function: "Any") -> "dict[str, Any]":
    """Where the types in a prototype are looked up: the function's module, else the caller's."""
    found: Any = getattr(function, "__globals__", None)
    if found is None:
        frame = sys._getframe(1)
        while _is_ours(frame) and frame.f_back:
            frame = frame.f_back
        found = frame.f_globals
    return dict(found)


def of_prototype(prototype: "Prototype", function: "Any", script: "Script") -> "Signature":
    """The signature that C text or a ctypes function type stands for, where `function` is."""
    from ._signature import read_prototype

    return read_prototype(prototype, _namespace(function), script)


def _prepare(
    function: "Any", prototype: "Prototype | None", script: "Script"
) -> "tuple[Function, Signature]":
    """The Python function itself, and its signature."""
    function = _native.python_function(function)
    classes = getattr(prototype, "_epy_classes_", None)
    if classes is not None:  # of a header
        from ._instances import typed_signature

        return function, typed_signature(prototype, function)
    try:
        if prototype is None:
            from ._signature import of_annotations

            return function, of_annotations(function)
        found = _native.of_plain_text(prototype, script) or of_prototype(
            prototype, function, script
        )
        if getattr(found.ctype, "_epy_variadic_", False):
            from ._headers.variadic import opened

            found.called, found.codes, found.classes = opened(
                function, found.codes, found.classes, found.prototype
            )
        else:
            _native.check_parameters(function, len(found.classes) - 1)
        return function, found
    except _errors.SignatureError as error:
        raise _errors.SignatureError(f"{_native.place(function)} {error}") from None


if TYPE_CHECKING:

    @overload
    def export(function: Function, /) -> NativeFunction: ...
    @overload
    def export(
        prototype: Prototype | None = None,
        /,
        *,
        name: str | None = None,
        error: object = None,
        errno: bool = False,
        version: str | None = None,
        jit: bool = False,
    ) -> Callable[[Function], NativeFunction]: ...


def export(
    what: "Function | Prototype | None" = None,
    /,
    *,
    name: str | None = None,
    error: object = None,
    errno: bool = False,
    version: str | None = None,
    jit: bool = False,
) -> "Any":
    """Decorator: offer a Python function to the host as a C function.

    Three forms::

        @epy.export                                     # 1. annotations: ctypes types
        def add(a: c_int, b: c_int) -> c_int: ...

        @epy.export("double scale(double x, double k)") # 2. a C prototype
        def scale(x, k): ...

        @epy.export(CFUNCTYPE(c_int, c_int), name="twice", error=-1)  # 3. a ctypes prototype
        def twice_impl(x): ...

    The symbol's name is `name`, else the one in the C prototype, else the function's. Values follow
    ctypes' rules for callbacks: c_int -> int, c_char_p -> bytes or None, c_void_p -> int or None,
    POINTER(T) -> an instance; `-> None` is void. In a C prototype, `char *` is c_char_p, `void *`
    c_void_p, `T *` POINTER(T); types that are not C's or POSIX's own (`size_t`, `off_t`) are ctypes
    types of the function's module. The README has a table of all types.

    A pointer result may be a ctypes object, which gives its address, anything with a buffer of the
    right items (bytearray, array.array, numpy arrays), bytes or, as UTF-8, a str: it is kept
    alive until this function's next return on the same thread, at most until unload; keep what the
    host may use longer. What is no pointer of that type is a TypeError. A
    callable for a function pointer becomes a callback that lives as long as the plugin.

    `error` is what the host receives when the function raises (default zero or NULL); the exception
    goes to `epy.error_hook`. A function `error(exception)` returns it for each exception; if it
    raises, or what it returns does not fit, that is reported too and the host gets zero. The host
    gets zero as well while there is no exception to give, because the plugin did not start, but if
    the function's parameter has a default: then it is called without one, when it is declared. The
    host may call from any thread; the GIL is held during a call. The export lives as long as the
    plugin. A void function has no error value.

    `errno=True`: an OSError that leaves the function sets the host's `errno` to its number, as
    `epy.set_errno` would. Else the host finds errno as it was.

    `version` is the symbol's version, "LIBSYNTH_1.0", for hosts that ask for one: dlvsym finds the
    name under it, dlsym and the linker as the default. One plugin may define up to 35, but one for
    each name. It is in the plugin's file (ELF's DT_VERDEF), so only `epy build` can give it.

    `jit=True`: numba compiles the function when the plugin starts, if the plugin's Python has
    numba, and the host calls machine code: without the GIL, in many threads at once. All types
    must be numbers; integers have 64 bits and wrap, and globals are constants, which must be
    defined above. An exception is reported as ever: the Python function runs with the same
    arguments then. Without numba, or if numba cannot compile the function, it runs as Python;
    `epy build` says so in one line. With EPY_TRACE and `epy build --reload` it does, too. To import
    numba takes half a second.

    Returns an object that runs the function when called from Python, has a native `.address`, and
    fits wherever epy or ctypes wants a function pointer as an argument or a result. It is an
    instance of its ctypes function type, which fits a field of a ctypes struct too; but where the C
    text names plain types alone and the script has not imported ctypes (nothing else loads it),
    `.as_ctypes()` gives that instance. Where no plugin is built or loaded (a script that
    `python` itself runs) the object is made too, but no name is exported.

    Raises SignatureError for a signature that is missing or that epy cannot serve, ExportNameError
    for a name or a version that is empty, contains NUL or is taken, StampError for a version in a
    plugin that was not built with it.
    """
    if isinstance(what, str) or what is None or _native.is_prototype(what):
        prototype: Any = what
        return lambda function: _export(function, prototype, name, error, version, errno, jit)
    if isinstance(what, type):
        raise _errors.SignatureError(
            f"epy.export({what.__name__}): not a function type: use CFUNCTYPE(result, ...)"
        )
    return _export(what, None, name, error, version, errno, jit)


def _export(
    function: "Any",
    prototype: "Prototype | None",
    name: str | None,
    error: object,
    version: str | None,
    errno: bool,
    jit: bool,
) -> "Any":
    function, found = _prepare(function, prototype, find_script())
    return _native.export_function(function, found, name, error, version, errno, jit)


if TYPE_CHECKING:

    @overload
    def callback(
        prototype: Prototype, /, *, error: object = None, errno: bool = False
    ) -> Callable[[Function], NativeFunction]: ...
    @overload
    def callback(
        prototype: Prototype, function: Function, /, *, error: object = None, errno: bool = False
    ) -> NativeFunction: ...


def callback(
    prototype: "Prototype",
    function: "Function | None" = None,
    /,
    *,
    error: object = None,
    errno: bool = False,
) -> "Any":
    """Make a Python function callable from C, without a name for the host to look up.

    A decorator, `@epy.callback("int (*)(void *)", error=-1)`, or a call, `epy.callback(T, f)`.
    `prototype` is a ctypes function type or a C prototype, as for `epy.export`; so are `error`,
    `errno`, the values and the object returned. The address is valid as long as that object, or a
    ctypes object that it was assigned to: keep it as long as C may call it. A call after that
    returns `error`. C text is read when the plugin is built, also in calls that run later if they
    have it as a literal or as a constant of the module: a running plugin has no parser.
    Raises SignatureError like `epy.export`.
    """
    if not _native.is_prototype(prototype):
        raise _errors.SignatureError(
            f"epy.callback({prototype!r}): give a ctypes function type or a C prototype first"
        )
    if function is None:
        return lambda function: callback(prototype, function, error=error, errno=errno)
    function, found = _prepare(function, prototype, find_script())
    return _native.callback_function(function, found, error, errno)


def returned_callback(prototype: "type[CFuncPtr]", function: "Function") -> "NativeFunction":
    """The callback that a callable becomes where a function pointer is due.

    It lives until the plugin is unloaded. The same callable with the same type has one address, so
    that C can compare and unregister it.
    """
    known: dict[Any, NativeFunction] = find_script().returned
    key: Any = prototype, function
    try:
        made = known.get(key)
    except TypeError:  # not hashable
        key = prototype, id(function)
        made = known.get(key)
    if made is None:
        made = known.setdefault(key, callback(prototype, function))  # threads may be here at once
    return made
