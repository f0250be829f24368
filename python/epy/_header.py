"""`epy.header`: what a C header declares, in Python.

Long because it is all that a start from a header loads: what not every script needs is in _headers,
which costs a start nothing, and much of the rest is what scripts' authors read.
"""

from posix import fspath

from . import _core, _errors
from ._instances import typed_signature
from ._native import callback_function, export_function, is_prototype, python_function
from ._script import find_script
from ._types import is_c_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Protocol

    from ._host_function import HostFunction

    class Declarations(Protocol):
        """What was read from a header: now, or when the plugin was built."""

        def find(self, name: str) -> Any: ...
        def prototype(self, text: str) -> tuple[str, Any]: ...


_BUILTIN = {
    "_Bool": "c_bool",
    "char": "c_char",
    "short": "c_short",
    "int": "c_int",
    "unsigned": "c_uint",
    "unsigned int": "c_uint",
    "long": "c_long",
    "unsigned long": "c_ulong",
    "long long": "c_longlong",
    "float": "c_float",
    "double": "c_double",
}  # what `errors=` may name besides typedefs and enums

_core.prepare_headers()


def header(
    path_or_text: "str | os.PathLike[str]",
    *,
    include: "str | os.PathLike[str] | Iterable[str | os.PathLike[str]]" = (),
    pkg: "str | Iterable[str]" = (),
    define: "Mapping[str, Any] | None" = None,
    types: "Mapping[str, Any] | None" = None,
    errors: "Mapping[str, Any] | None" = None,
    library: "Any" = None,
    lang: str | None = None,
    use_errno: bool = True,
) -> "Header":
    """Read C declarations: of a header, or of text.

    Text is a str with a newline or `;`, or one that begins with `#`.

    A header is looked for as by `#include "..."`: in the script's folder, in `include`, in the
    folders of `epy build -I`, in those that pkg-config (or pkgconf) has for `pkg`, a package or
    several, and for `epy build --pkg`, in those of CPATH and C_INCLUDE_PATH, in Clang's own
    (`<stddef.h>`, `<stdint.h>`, ...) and in the system's. C's and POSIX's own types (`size_t`,
    `uint8_t`, `bool`, `off_t`, `FILE *`) need no #include. `define` are macros, set before
    (True: 1). No compiler is needed. What was read is stored in the plugin: a running plugin needs
    neither the header nor a reader; and on disk, so that another build reads nothing.

    `types={"T": cls}` lets the typedef T mean `cls`. `errors={"T": value}` is the error value of
    every function whose result is a T: a typedef, "enum tag", "struct tag", or a built-in type such
    as "int"; the first on the way from the result's typedef to the built-in type counts; it may be
    a function of the exception, as for `epy.export`. Where the result is no text, a str is the name
    of one of the header's constants: `errors={"CK_RV": "CKR_GENERAL_ERROR"}`. So it is for `error=`
    below. `library` (a path, a name, a CDLL) has the functions that `header.NAME(...)` calls;
    default: the process. The GIL is released meanwhile, unless the host held it when it called the
    plugin, or the library is a PyDLL.

    `epy.get_errno()` after a call is the errno that the function left. `use_errno=False` saves the
    20 ns that this takes, and functions find errno as Python happens to have left it.

    `lang="c++"` reads C++: what it declares for C, with classes that only pointers lead to. A
    header that is for C++ alone and says so (`#error`) is read like that by itself.

    The same arguments give the same object within a script. Raises HeaderError if the header is not
    found or does not parse. What Clang rejects in a header costs that declaration alone.
    """
    script = find_script()
    if not path_or_text or not _is_path(path_or_text):
        raise _errors.HeaderError(
            f"epy.header({path_or_text!r}): give the name of a header, or C text"
        )
    text: Any = fspath(path_or_text)
    try:
        folders = _texts(include)
        packages = _texts(pkg)
        macros = tuple((name, str(value)) for name, value in (define or {}).items())
        maps = tuple(tuple((it or {}).items()) for it in (types, errors))
    except (AttributeError, TypeError, ValueError):
        from ._headers.wrong import wrong_argument

        raise wrong_argument(include, pkg, define, types, errors) from None
    if lang not in (None, "c", "c++"):
        raise _errors.HeaderError(f'epy.header(lang={lang!r}): give "c" or "c++"')
    parts = (text, folders, macros, packages) if packages else (text, folders, macros)
    key = repr(parts) if any(parts[1:]) else text
    key = f"{lang}:{key}" if lang else key
    whole = (key, *maps, library, use_errno)
    for other, found in script.headers.get(key, ()):
        if other == whole:
            return found  # type: ignore[no-any-return]
    declarations: Any = script.declarations.get(key)
    if key in script.stored_headers:
        declarations = _core.StoredHeader(*script.stored_headers[key])
    elif declarations is None:
        if script.is_stored:  # a running plugin reads no C
            raise _errors.HeaderError(
                f"epy.header({text[:60]!r}) was not read when "
                "the plugin was built: call it at the script's top level, and run `epy build` again"
            )
        from ._c.definitions import read

        declarations = read(
            text, folders, dict(define or {}), script, packages=packages, lang=lang or ""
        )
        script.keep(script.declarations, key, declarations)
    name = "the header text" if is_text(text) else text.rpartition("/")[2]
    if script.kept is None:
        script.kept = _core.Kept()
    kept, module = script.kept, script.module or "epy"
    result = Header(name, declarations, types or {}, errors or {}, kept, library, module, use_errno)
    script.keep(script.headers, key, [*script.headers.get(key, ()), (whole, result)])
    return result


def _texts(paths: "Any") -> "tuple[str, ...]":
    """Of one path, or of several."""
    several = (paths,) if _is_path(paths) else tuple(paths)
    if not several:
        return ()
    from os import fsdecode  # few starts need `os`

    return tuple(map(fsdecode, several))


def _is_path(value: object) -> bool:
    """A str or an `os.PathLike`."""
    return isinstance(value, str) or hasattr(type(value), "__fspath__")


def is_text(text: str) -> bool:
    """Whether it is C, and no name of a header."""
    return "\n" in text or ";" in text or text.startswith("#")


class Header:
    """What `epy.header` gives: the names that a C header declares, as attributes.

    Types are ctypes classes, constants int, float, bytes, expression macros Python functions.
    Enumerators are plain ints. An enum is an integer type; parameters, results and fields of it are
    members of the IntEnum `host.enum.TAG`, or ints where none has the value. It is made when the
    first is there, or when the script names it.
    Functions are found in the process, or in `library`, at their first call; variables each time.
    A call takes what fits the parameters (as a struct's fields), all of them and no more:
    ArgumentError else. An exception of a callback that the function calls directly is raised here
    when C has returned, as by `epy.call`; so it is for the function pointers of the host's structs.
    `epy.out` in place of a pointer gives, beside the result, what C writes there.
    What is assigned to a variable (`host.count.value = 1`) is checked, and kept until something
    else is assigned.
    Only what a script uses is made. HeaderNameError for a name that the header does not declare, or
    that cannot be expressed, with the reason.
    """

    def __init__(
        self,
        name: str,
        declarations: "Declarations",
        types: "Mapping[str, Any]",
        errors: "Mapping[str, Any]",
        kept: "_core.Kept",
        library: "Any",
        module: str = "epy",
        use_errno: bool = True,
    ) -> None:
        self._name = name
        self._declarations = declarations
        self._library = library
        self._variables: dict[str, Any] = {}  # their classes, by name
        self._exported: dict[str, Any] = {}  # functions, by their symbols
        values: dict[Any, Any] = {}
        self._classes = _core.Classes(
            declarations.find, dict(types), values, kept, module, use_errno
        )
        for mapped, meant in types.items():
            word, *_ = self._find(mapped, "type")
            if word != "t":
                raise _errors.HeaderNameError(
                    f"{name}: types={{{mapped!r}: ...}}: it is no typedef"
                )
            if not is_c_type(meant):
                raise _errors.SignatureError(
                    f"{name}: types={{{mapped!r}: {meant!r}}}: give a type of ctypes or a class of "
                    "epy.Object"
                )
        for mapped, value in errors.items():
            key: Any
            kind: Any
            if mapped in _BUILTIN:
                key, kind = (_BUILTIN[mapped],), _BUILTIN[mapped]
            else:
                word, meant, *_ = self._find(mapped, "type")
                if word not in ("t", "struct", "union", "enum"):
                    raise _errors.HeaderNameError(
                        f"{name}: errors={{{mapped!r}: ...}}: it is no type"
                    )
                key, kind = mapped, meant if word == "t" else tuple(mapped.split(" "))
            values[key] = self._error_value(value, kind)

    def __repr__(self) -> str:
        return f"<epy.Header {self._name}>"

    def __getattr__(self, name: str) -> "Any":
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        made = self._tags(name) if name in ("struct", "enum") else self._make(name)
        if made is not None:
            self.__dict__[name] = made
            return made
        return self._variable(name)

    def __setattr__(self, name: str, value: "Any") -> None:
        if name[0] != "_":
            word, *_ = self._find(name, "variable")
            if word == "v":
                raise _errors.HeaderNameError(
                    f"{self._name}: {name} is the host's: assign {name}.value"
                )
        object.__setattr__(self, name, value)  # a test's own function in place of the host's

    def __dir__(self) -> list[str]:
        return [
            *super().__dir__(),
            *(name for name in self._all_names() if " " not in name),
        ]

    def _make(self, name: str) -> "Any":
        """What a name is; None for a variable."""
        found = self._declarations.find(name)
        if found is None:
            for kind in ("struct", "union", "enum"):
                if self._declarations.find(f"{kind} {name}") is not None:
                    return self._classes.named((kind, name))
            raise self._unknown(name, "name")
        match found:
            case ("c", value):
                return value
            case ("t", _):
                return self._classes.named(("t", name))
            case ("f", kind, *_):
                return self._host_function(name, kind)
            case ("m" | "x", expression, *_):
                from ._c.arithmetic import evaluate

                return evaluate(expression, self)
            case ("?", reason, *_):
                raise _errors.HeaderNameError(f"{self._name}: {name} {reason}")
        return None

    def _tags(self, keyword: str) -> "Any":
        from ._headers.tags import Enums, Tags

        return Tags(self, self._classes) if keyword == "struct" else Enums(self, self._classes)

    def _all_names(self) -> list[str]:
        found: Any = self._declarations
        if isinstance(found, _core.StoredHeader):
            from ._file.stored_header import names

            return names(found.index)
        return list(found.names)

    def _find(self, name: str, what: str, remedy: str = "") -> "Any":
        found = self._declarations.find(name)
        if found is None:
            raise self._unknown(name, what, remedy)
        word, meant, *_ = found
        if word == "?":
            raise _errors.HeaderNameError(f"{self._name}: {name} {meant}")
        return found

    def _error_value(self, value: "Any", result: "Any") -> "Any":
        """The error value of functions with this result: a str is the name of a constant, but where
        the result is a text."""
        resolved = self._classes.resolved
        if not isinstance(value, str):
            return value
        match resolved(result):
            case None:
                return value
            case ("*", target) if resolved(target) in ("c_char", "c_wchar"):
                return value
        word, constant, *_ = self._find(value, "constant")
        if word != "c":
            raise _errors.HeaderNameError(
                f"{self._name}: {value} is no constant, and so no error value"
            )
        return constant

    def _unknown(self, name: str, what: str, remedy: str = "") -> "Exception":
        from ._headers.unknown import unknown

        return unknown(self._name, self._all_names(), name, what, remedy)

    # Functions and data of the host

    def function(self, prototype: str) -> "HostFunction":
        """A function of the host, by its name or by a C prototype with this header's types.

        `host.NAME` is the same as `host.function("NAME")`, but for names that `Header` has itself.
        With a prototype, results and parameters can be other pointers than the header's: a `char *`
        that is to be freed is better a `void *`, which is an address in Python.
        """
        if not isinstance(prototype, str):
            raise _errors.SignatureError(
                f"{self._name}: function({prototype!r}): give a name of the header, or C text"
            )
        if not prototype.isidentifier():
            name, kind = self._text(prototype)
            if not name:
                raise _errors.SignatureError(
                    f"{self._name}: function('{prototype}'): it lacks a name"
                )
            return self._host_function(name, kind)
        word, kind, *_ = self._find(prototype, "function")
        if word != "f":
            raise _errors.HeaderNameError(f"{self._name}: {prototype} {_no_function(word)}")
        return self._host_function(prototype, kind)

    def _host_function(self, name: str, kind: "Any") -> "HostFunction":
        from ._host_function import HostFunction

        return HostFunction(self, name, kind)

    def _variable(self, name: str) -> "Any":
        from ._headers.variable import variable

        _, kind, *_ = self._find(name, "variable")
        return variable(self, name, self._classes.make(kind))

    def export_data(self, name: str, value: "Any") -> "Any":
        """Offer a data symbol to the host, of the type that the header declares for the name.

        `value` is a Python value of that type: what an assignment to a struct's field takes. The
        rest is as for `epy.export_data`, which takes a name that the header lacks.
        """
        from ._exports.data import export_data
        from ._headers.data import declared

        return export_data(self._symbol(name), declared(self, name, value))

    # Callbacks

    def export(
        self,
        what: "Any" = None,
        /,
        *,
        name: str | None = None,
        like: str | None = None,
        error: "Any" = None,
        errno: bool = False,
        version: str | None = None,
    ) -> "Any":
        """Decorator: offer a Python function to the host, with a prototype of this header.

        Bare, `@host.export`, the prototype is the one that the header has for the function's name;
        for that of `like`, if given; for the symbol's `name`, if it has none for the function's. Or
        it is C text, whose types are this header's: `@host.export("int f(struct x *)")`. `name` is
        the symbol, `version` its version; without `name` the symbol is what C calls by the
        function's name, which `__asm__("g")` or `#define f g` may change. `error` is what the host
        gets when the function raises, or the name of a constant of the header; default: `errors=`
        of the header, else zero; `errno` as for `epy.export`.

        Annotations of the function refine parameters and the result: `c_void_p` or `POINTER(T)`
        where the header has another pointer. Where C names no parameters, `int f()`, they say what
        the host passes; a parameter without one is an int as wide as a pointer. That holds for
        function pointers too: for `()`, and for a parameter `void (*)(void)`, C's pointer to any
        function. If what the host passes is another type, and for methods of other kinds of
        objects, give a callback with the prototype: `host.callback("int (*)(double)", f)`.

        Raises HeaderNameError for a name that the header does not declare, SignatureError for a
        prototype that differs from the header's, and as `epy.export`.
        """
        if isinstance(what, str):
            declared, kind = self._prototype(what)
            symbol = name or (declared and self._symbol(declared)) or None
            return lambda function: self._export(function, kind, symbol, error, version, errno)

        def decorate(function: "Any") -> "Any":
            own = getattr(python_function(function), "__name__", "")
            kind, symbol = self._declared(like or own, name if like is None else None)
            symbol = name or (symbol if like is None else own)
            return self._export(function, kind, symbol, error, version, errno)

        return decorate if what is None else decorate(what)

    def _export(
        self,
        function: "Any",
        kind: "Any",
        name: str | None,
        error: "Any",
        version: str | None = None,
        errno: bool = False,
    ) -> "Any":
        function = python_function(function)
        symbol = str(name or getattr(function, "__name__", ""))
        found = typed_signature(self._function_class(name, kind), function)
        error = self._error_value(error, kind[1])
        made = export_function(function, found, symbol, error, version, errno)
        self._exported[symbol] = made
        return made

    def export_all(self, **functions: "Any") -> "dict[str, Any]":
        """Offer many functions, each with the header's prototype of its name.

        ``host.export_all(init=start, name="gain", version=3)`` exports `start` as `init`; `name`
        and `version` return that value, whatever they are called with. Values are as for `error=`:
        the name of a constant, unless C returns a text.

        Returns the functions by name. Raises HeaderNameError for a name that the header does not
        declare, SignatureError for a value that does not fit a function's result, and as
        `host.export`.
        """
        from ._headers.many_exports import export_all

        return export_all(self, functions)

    def export_missing(self, *patterns: str, error: "Any") -> "dict[str, Any]":
        """Offer what the script does not implement.

        ``host.export_missing("C_*", error="CKR_FUNCTION_NOT_SUPPORTED")`` exports every function of
        the header whose name matches (`*`, `?`, `[...]`) and that the script does not export yet:
        it returns `error`, whatever it is called with; nothing if C says void. Call it last.

        Returns all that match by name, those exported before too: what fills a table of them,
        `host.CK_FUNCTION_LIST(version=(2, 40), **functions)`. Raises HeaderNameError for a pattern
        that matches none, and as `export_all`.
        """
        from ._headers.many_exports import export_missing

        return export_missing(self, patterns, error)

    def _function_class(self, name: str | None, kind: "Any") -> "Any":
        """The class of a function's type. HeaderNameError with its name if it cannot be held."""
        try:
            return self._classes.make(("*", kind))
        except _errors.HeaderNameError as reason:
            raise _errors.HeaderNameError(f"{self._name}: {name}: {reason}") from None

    def callback(
        self,
        prototype: "Any",
        function: "Callable[..., Any] | None" = None,
        /,
        *,
        error: "Any" = None,
        errno: bool = False,
    ) -> "Any":
        """Make a Python function callable from C: `epy.callback` with types of this header.

        `prototype` is the name of a function type or of a function of the header, C text, or a
        class. `@host.callback("sqlite3_func")` decorates, `host.callback("sqlite3_func", f)` calls.
        """
        if not isinstance(prototype, str):
            if not is_prototype(prototype):
                raise _errors.SignatureError(
                    f"{self._name}: callback({prototype!r}): no function type: give a name of the "
                    "header, C text or a ctypes function type"
                )
            from ._export import callback

            if function is None:
                return callback(prototype, error=error, errno=errno)
            return callback(prototype, function, error=error, errno=errno)
        if prototype.isidentifier():
            kind = self._function_type(prototype)
        else:
            kind = self._prototype(prototype)[1]
        ctype = self._function_class(prototype, kind)

        def make(function: "Any") -> "Any":
            function = python_function(function)
            value = self._error_value(error, kind[1])
            return callback_function(function, typed_signature(ctype, function), value, errno)

        return make if function is None else make(function)

    def _function_type(self, name: str, other: str | None = None) -> "Any":
        return self._declared(name, other)[0]

    def _declared(self, name: str, other: str | None) -> "tuple[Any, str]":
        """The type of the function, or the function type, `name`, and its symbol; or `other`."""
        found = self._declarations.find(name)
        if found is None and other is not None:
            found, name = self._declarations.find(other), other
        if found is None:
            remedy = f'give its prototype as text, "int {name}(...)"'
            raise self._unknown(name, "function", remedy)
        word, meant, *_ = found
        if word == "?":
            raise _errors.HeaderNameError(f"{self._name}: {name} {meant}")
        kind = self._classes.resolved(meant) if word in ("f", "t") else None
        match kind:
            case ("*", target):
                kind = self._classes.resolved(target)
        match kind:
            case ("(", *_):
                return kind, found[2] if found[2:] else name
        raise _errors.HeaderNameError(f"{self._name}: {name} {_no_function(word)}")

    def _symbol(self, name: str) -> str:
        """What C calls where it says `name`: an assembler name or a macro may rename it."""
        match self._declarations.find(name):
            case ("f" | "v", _, symbol):
                return symbol  # type: ignore[no-any-return]
        return name

    def _prototype(self, text: str) -> "tuple[str, Any]":
        """A C prototype's name and type, which must be the header's, if that has the name."""
        name, kind = self._text(text)
        match self._declarations.find(name) if name else None:
            case ("f", declared, *_):
                from ._headers.same_prototype import check_same

                check_same(self, text, name, kind, declared)
        return name, kind

    def _text(self, text: str) -> "tuple[str, Any]":
        """The name and the type in a C prototype."""
        name, kind = self._declarations.prototype(" ".join(text.split()).rstrip("; "))
        if name == "?":  # which was found out at build
            raise _errors.SignatureError(kind)
        return name, kind


def _no_function(word: str) -> str:
    """Why a definition is none that C can call."""
    is_expression = word in ("m", "x")
    return "is computed here, no library has it" if is_expression else "is no function"
