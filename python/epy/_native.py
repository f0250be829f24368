"""Python functions with a native address: their callbacks, their names in the plugin.

What a function's type is has been found out before: from annotations or a C prototype by
`_signature`, from a header by `_header`. Long because a module costs a start more than its lines.
"""

import sys

from . import _core, _errors
from ._core import NativeFunction
from ._script import find_script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _ctypes import CFuncPtr
    from collections.abc import Callable
    from typing import Any, Literal

    from ._script import Script

    Function = Callable[..., Any]

VARARGS = 0x04  # of a code's flags, as in inspect: CO_VARARGS
GENERATOR = 0x20  # CO_GENERATOR
COROUTINES = 0x80 | 0x100 | 0x200  # CO_COROUTINE, CO_ITERABLE_COROUTINE, CO_ASYNC_GENERATOR


class Export:
    """One name that the plugin offers to its host."""

    __slots__ = (
        "_address",
        "callback",
        "codes",
        "error",
        "functions",
        "keep",
        "kind",
        "name",
        "prototype",
        "source",
        "text",
        "value",
        "version",
    )

    def __init__(
        self,
        name: str,
        kind: "Literal['function', 'address', 'data']",
        address: int | None,
        text: str = "",
        *,
        prototype: "type[CFuncPtr] | None" = None,
        codes: str = "",
        error: object = None,
        version: str | None = None,
        callback: "_core.Callback | None" = None,
        value: "Any" = None,
        source: "Any" = None,
        functions: tuple[int, ...] = (),
        keep: tuple[object, ...] = (),
    ) -> None:
        self.name = name
        self.kind = kind
        self._address = address
        self.text = text  # the C declaration, for people
        self.prototype = prototype
        self.codes = codes  # as _core.Callback takes them
        self.error = error
        self.version = version  # of the symbol
        self.callback = callback
        self.value = value  # of data: the ctypes object on the exported memory
        self.source = source  # of data: the object that the script passed
        self.functions = functions  # of data: targets of its function pointers that are no exports
        self.keep = keep

    @property
    def address(self) -> int:
        """Native; of data, where its bytes lie.

        Of a function not its place in the plugin's image: it can be called after the unload too.
        """
        if self._address is None and self.callback is not None:
            self._address = self.callback.address  # taken when somebody asks
        return self._address or 0

    @address.setter
    def address(self, address: int) -> None:
        self._address = address

    def function_type(self) -> "Any":
        """The ctypes function type of a function; None if none is known."""
        if self.prototype is None and self.codes:
            from ._instances import prototype_of

            self.prototype = prototype_of(self.codes)
        return self.prototype


class Signature:
    """What the core and the manifest need to know of one C function."""

    __slots__ = ("called", "classes", "codes", "ctype", "name", "text")

    def __init__(
        self,
        codes: str,
        classes: "tuple[Any, ...]",
        name: str = "",
        text: str = "",
        ctype: "Any" = None,
    ) -> None:
        self.codes = codes
        self.classes = classes  # as _core.Callback takes them
        self.called: Any = None  # in place of the function itself: see _headers/variadic.py
        self.name = name  # in the C prototype; "" without one
        self.text = text  # the C prototype as the script has it; "" without one
        self.ctype = ctype  # the ctypes function type; None for C text of plain values

    @property
    def prototype(self) -> "Any":
        """The ctypes function type."""
        if self.ctype is None:
            from ._instances import prototype_of

            self.ctype = prototype_of(self.codes)
        return self.ctype


def of_plain_text(prototype: object, script: "Script") -> "Signature | None":
    """The signature of C text that names plain types alone: the plugin has its codes."""
    known = script.plain.get(prototype) if isinstance(prototype, str) else None
    if known is None:
        return None
    name, codes = known
    return Signature(codes, (None,) * len(codes), name)


def as_function(function: "Function", found: "Signature", callback: "_core.Callback") -> "Any":
    """What the script gets: the callback itself, or an instance of ctypes.

    The first needs none of ctypes. A script that has imported it may put the function into a field
    of a struct, which takes instances alone.
    """
    if found.ctype is None and "ctypes" not in sys.modules:
        return callback
    from ._instances import wrap

    return wrap(function, found.prototype, callback)


# Callbacks


def callback_function(
    function: "Function", found: "Signature", error: object, errno: bool = False
) -> "Any":
    """Make a Python function callable from C, without a name."""
    script = find_script()
    name = getattr(function, "__name__", type(function).__name__)
    made = native_callback(function, found, error, f"callback '{name}'", script, errno)
    native = as_function(function, found, made)
    script.hold(native)
    return native


def native_callback(
    function: "Function",
    found: "Signature",
    error: object,
    label: str,
    script: "Script",
    errno: bool = False,
) -> "_core.Callback":
    if error is None:
        error = getattr(found.ctype, "_epy_error_", None)
    called = found.called or function
    return make_callback(called, found.codes, found.classes, error, label, script, errno)


def make_callback(
    function: "Function",
    codes: str,
    classes: tuple[type | None, ...],
    error: object,
    label: str,
    script: "Script",
    errno: bool = False,
) -> "_core.Callback":
    if codes[0] == "v" and error is not None:
        from ._error_values import shown

        raise _errors.SignatureError(
            f"{place(function)} error={shown(error)}, but its result is void, which has no error "
            "value: leave error= out"
        )
    of_exception: Any = None
    if error is not None and hasattr(type(error), "_handle_type_"):
        raise _errors.SignatureError(
            f"{place(function)} error={error!r} does not fit the result type: let the function "
            "return it, or give a function of the exception"
        )
    try:
        if callable(error):
            from ._error_values import split_function

            of_exception, error = split_function(error)
    except _errors.SignatureError as problem:
        raise _errors.SignatureError(f"{place(function)} {problem}") from None
    if script.trace is not None:
        function = script.trace.called(function, label, script.path)
    try:
        made = _core.Callback(
            function, codes, classes, error, label, script.native, of_exception, errno
        )
    except _errors.ViewError as reason:
        raise _errors.SignatureError(f"{place(function)} {reason}") from None
    except (TypeError, ValueError, OverflowError) as reason:
        raise _errors.SignatureError(
            f"{place(function)} error={error!r} does not fit the result type ({reason})"
        ) from None
    if script.place is not None:
        from ._running.reloading import note

        note(script, made, codes)
    return made


# What the plugin exports


def export_function(
    function: "Function",
    found: "Signature",
    name: str | None,
    error: object,
    version: str | None,
    errno: bool = False,
    jit: bool = False,
) -> "Any":
    """Offer a Python function under a name, by default that of its prototype, then its own."""
    script = find_script()
    if name is None:
        name = found.name or getattr(function, "__name__", "")
    script.check_new(name, version)
    callback = native_callback(function, found, error, f"export '{name}'", script, errno)
    target: _core.Callback | int = callback
    if jit:
        from ._exports.compiled import compiled

        target = compiled(function, found, callback, script) or callback
    script.publish(name, target)
    native = as_function(function, found, callback)
    export = Export(
        name,
        "function",
        None,
        script.describe(lambda: _describe(name, found, function)),
        prototype=found.ctype,
        codes=found.codes,
        error=error,
        version=version,
        callback=callback,
        keep=(native,),
    )
    script.keep(script.offered, name, export)
    return native


def _describe(export: str, found: "Signature", function: "Callable[..., Any]") -> str:
    """The C prototype to show to people."""
    if found.text and found.name == export:
        return found.text
    from ._c.spelling import declare_function

    return declare_function(found.prototype, export, parameters(function)[1])


# The Python function


def python_function(function: "Any") -> "Function":
    """The Python function itself. SignatureError for what is none."""
    if isinstance(function, NativeFunction):
        function = function.__wrapped__
    if not callable(function):
        raise _errors.SignatureError(f"{function!r} is not callable: give a function")
    kind = deferred(function)
    if kind:
        raise _errors.SignatureError(
            f"{place(function)} {kind}: a call would only make an object and run nothing; export a "
            "function that runs it, with a loop or asyncio.run"
        )
    return function  # type: ignore[no-any-return]


def deferred(function: "Any") -> str:
    """What a callable is whose call does not run its body; "" for what does.

    Decorators are not looked through: they may well run what they wrap.
    """
    while hasattr(function, "func") and not hasattr(function, "__code__"):
        function = function.func  # functools.partial
    code = getattr(function, "__code__", None)
    if code is None and not isinstance(function, type):
        code = getattr(type(function).__call__, "__code__", None)
    flags = getattr(code, "co_flags", 0)
    if flags & COROUTINES:
        return "is `async def`"
    return "is a generator (it has `yield`)" if flags & GENERATOR else ""


def is_prototype(value: object) -> bool:
    return isinstance(value, str) or (
        isinstance(value, type) and hasattr(value, "_flags_") and is_function_type(value)
    )


def is_function_type(value: type) -> bool:
    """Whether it is a function type of ctypes."""
    from _ctypes import CFuncPtr

    return issubclass(value, CFuncPtr)


def unwrap(function: "Any") -> "Any":
    """The function that decorators wrapped."""
    met: list[Any] = []
    while hasattr(function, "__wrapped__") and not any(one is function for one in met):
        met.append(function)
        function = function.__wrapped__
    return function


def place(function: "Any") -> str:
    """How errors name a function: "/synth.py:12: add()"."""
    plain = unwrap(function)
    name = getattr(plain, "__name__", None) or type(plain).__name__
    code = getattr(plain, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}: {name}()" if code else f"{name}()"


def parameters(function: "Any", wrapped: bool = True) -> "tuple[Any, tuple[str, ...], int]":
    """What is written in Python behind a callable, the parameters that C passes, and how many of
    them it must. `wrapped`: of the function that decorators wrapped. (None, (), 0) for what is not
    written in Python.

    Raises SignatureError for parameters that C cannot pass.
    """
    if type(function) is not _FUNCTION or (wrapped and hasattr(function, "__wrapped__")):
        from ._exports.callables import look_through

        return look_through(function, wrapped)
    code = function.__code__
    count: int = code.co_argcount
    if code.co_kwonlyargcount:
        for name in code.co_varnames[count : count + code.co_kwonlyargcount]:
            if name not in (function.__kwdefaults__ or {}):
                raise _errors.SignatureError(
                    f"has the keyword-only parameter '{name}', which C cannot pass: "
                    "make it positional or give it a default"
                )
    return function, code.co_varnames[:count], count - len(function.__defaults__ or ())


_FUNCTION = type(parameters)


def check_parameters(function: "Callable[..., Any]", count: int) -> None:
    """SignatureError if a function can not be called with `count` positional arguments."""
    plain, names, least = parameters(function, wrapped=False)
    if plain is None:
        return
    most = len(names)
    if count < least or (count > most and not plain.__code__.co_flags & VARARGS):
        takes = str(most) if least == most else f"{least} to {most}"
        raise _errors.SignatureError(
            f"takes {takes} argument{'' if most == 1 else 's'}, but its prototype has {count}: "
            + (f"it {OF_A_METHOD}" if names[:1] == ("self",) else "let both agree")
        )


OF_A_METHOD = (
    "is a method, and C passes no `self`: export a bound one, `epy.export(Synth().add)`, or a "
    "function outside the class"
)
