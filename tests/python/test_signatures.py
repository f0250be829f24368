"""The C signature of a Python function, and the object that C calls."""

from __future__ import annotations

import ctypes
import functools
import gc
import weakref
from collections.abc import Iterator
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    Union,
    c_char,
    c_char_p,
    c_double,
    c_float,
    c_int,
    c_longdouble,
    c_ubyte,
    c_uint,
    c_void_p,
    py_object,
)
from typing import Any

import pytest

import epy
from epy._c.spelling import declare, declare_function
from epy._command.building import Building
from epy._script import registry
from epy._types import describe

INT_FUNCTION = CFUNCTYPE(c_int, c_int)


class Handle(c_void_p):
    pass


class Point(Structure):
    _fields_ = [("x", c_int), ("y", c_int)]


class Number(Union):
    _fields_ = [("i", c_int), ("f", c_float)]


class Nested(Point):
    _fields_ = [("text", c_char_p)]


class Packed(Structure):
    _pack_ = 1
    _fields_ = [("c", c_char), ("i", c_int)]


class Bits(Structure):
    _fields_ = [("a", c_uint, 3), ("b", c_uint, 9), ("c", c_uint, 20)]


class Large(Structure):
    _fields_ = [("points", Point * 3)]


class Empty(Structure):
    pass


@pytest.fixture
def script() -> Iterator[Building]:
    """Exports of the test go here, as if `epy build` imported it."""
    registry.building = script = Building("synth", "/synth.py")
    yield script
    registry.building = None


@pytest.mark.parametrize(
    ("ctype", "code", "cls"),
    [
        (None, "v", None),
        (c_int, "i", None),
        (ctypes.c_size_t, "L", None),
        (ctypes.c_bool, "?", None),
        (ctypes.c_wchar_p, "Z", None),
        (py_object, "O", None),
        (Handle, "P", Handle),
        (POINTER(Point), "P", POINTER(Point)),
        (INT_FUNCTION, "P", INT_FUNCTION),
        (c_longdouble, "g", None),
        (epy.c_str, "s", None),
        (epy.c_float_complex, "F", None),
        (epy.c_double_complex, "D", None),
        (c_int * 3, "P", POINTER(c_int)),
        (Point, "{8,4;i0;i4}", Point),
        (Number, "{4,4;i0;f0}", Number),
        (Nested, "{16,8;i0;i4;z8}", Nested),
        (Packed, "{5,1;c0;i1}", Packed),
        (Bits, "{4,4;B0;B0;B1;B1;B2;B3}", Bits),
        (Large, "{24,4}", Large),
    ],
)
def test_types_have_codes_and_classes(ctype: Any, code: str, cls: Any) -> None:
    assert describe(ctype) == (code, cls)


@pytest.mark.parametrize(
    ("ctype", "problem"),
    [
        (int, "int, which is no C type: use one of ctypes"),
        ("c_int", "'c_int', which is no C type"),
        (Empty, "Empty by value, which has no fields: give it _fields_, or use POINTER"),
        (c_int.__ctype_be__, "not supported"),
        (c_int.__base__, "not supported"),
    ],
)
def test_types_that_cannot_be_served_are_refused(ctype: Any, problem: str) -> None:
    with pytest.raises(epy.SignatureError, match=problem):
        describe(ctype)


@pytest.mark.parametrize(
    ("ctype", "text"),
    [
        (c_int, "int a"),
        (c_char_p, "char *a"),
        (POINTER(POINTER(Point)), "struct Point **a"),
        (POINTER(c_int * 4), "int (*a)[4]"),
        (POINTER(c_int) * 4, "int *a[4]"),
        (CFUNCTYPE(None, c_void_p), "void (*a)(void *)"),
        (Number, "union Number a"),
        (epy.c_str, "char *a"),
        (epy.c_double_complex, "double _Complex a"),
    ],
)
def test_types_are_shown_as_c(ctype: Any, text: str) -> None:
    assert declare(ctype, "a") == text


def test_prototypes_are_shown_as_c() -> None:
    assert declare_function(CFUNCTYPE(c_char_p), "f") == "char *f(void)"
    assert declare_function(INT_FUNCTION, "f", ("x",)) == "int f(int x)"


def test_annotations_are_a_signature(script: Building) -> None:
    @epy.export
    def add(a: c_int, b: c_int) -> c_int:
        return a + b  # type: ignore[operator, no-any-return]

    export = script.exports["add"]
    assert (export.codes, export.text, export.kind) == ("iii", "int add(int a, int b)", "function")
    assert CFUNCTYPE(c_int, c_int, c_int)(export.address)(3, 4) == 7


def test_annotations_may_be_objects_or_text(script: Building) -> None:
    def plain(s, p):  # type: ignore[no-untyped-def]
        return None

    plain.__annotations__ = {"s": c_char_p, "p": "POINTER(Point)", "return": None}
    epy.export(plain)
    assert script.exports["plain"].codes == "vzP"


def test_a_ctypes_prototype_takes_a_name_and_an_error_value(script: Building) -> None:
    @epy.export(INT_FUNCTION, name="twice", error=-1)
    def twice_impl(x: int) -> int:
        return 2 * x

    assert list(script.exports) == ["twice"]
    assert script.exports["twice"].error == -1
    assert script.exports["twice"].text == "int twice(int x)"
    assert INT_FUNCTION(twice_impl.address)(4) == 8


def test_a_c_prototype_names_the_export(script: Building) -> None:
    @epy.export("double scale(double x, double k);")
    def anything(x: float, k: float) -> float:
        return x * k

    assert script.exports["scale"].text == "double scale(double x, double k)"
    assert script.prototypes == {
        "double scale(double x, double k);": ("scale", "CFUNCTYPE(c_double, c_double, c_double)")
    }
    assert CFUNCTYPE(c_double, c_double, c_double)(anything.address)(2, 4) == 8

    epy.export("int f(int)", name="g")(abs)
    assert script.exports["g"].text == "int g(int)"


def test_a_stored_prototype_is_not_parsed_again(script: Building) -> None:
    script.prototypes["no C at all"] = "f", "CFUNCTYPE(c_int, POINTER(Point))"
    epy.export("no C at all")(lambda point: 0)
    assert script.exports["f"].codes == "iP"


def test_one_function_under_two_names(script: Building) -> None:
    @epy.export(name="second")
    @epy.export
    def first(a: c_int) -> c_int:
        return a

    assert list(script.exports) == ["first", "second"]


def test_decorated_functions_and_methods_keep_their_annotations(script: Building) -> None:
    def decorate(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any) -> Any:
            return function(*args) + 1

        return wrapper

    @epy.export
    @decorate
    def one(a: c_int) -> c_int:
        return a

    class Counter:
        def count(self, by: c_int) -> c_int:
            return by

    epy.export(Counter().count)
    assert script.exports["count"].text == "int count(int by)"
    assert INT_FUNCTION(one.address)(1) == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("def f(a: c_int, b) -> c_int: ...", "parameter 'b' has no annotation: write `b: c_int`"),
        ("def f(a: c_int): ...", "the result has no annotation: write `-> c_int`"),
        ("def f(a: 'Gone') -> None: ...", "annotation of parameter 'a' cannot be resolved"),
        ("def f(a: int) -> None: ...", "parameter 'a' has the type int, which is no C type"),
        ("def f(a: c_int) -> Empty: ...", "the result is a Empty by value"),
        ("def f(a: c_int) -> c_int * 3: ...", "the result is an array, which C cannot return"),
        ("def f(*args: c_int) -> None: ...", r"takes \*args"),
        ("def f(a: c_int, *, k) -> None: ...", "keyword-only parameter 'k'"),
    ],
)
def test_bad_annotations_name_the_place_and_the_remedy(text: str, problem: str) -> None:
    namespace = {"c_int": c_int, "Empty": Empty}
    exec(compile(text, "/here/synth.py", "exec"), namespace)
    with pytest.raises(epy.SignatureError, match=rf"^/here/synth\.py:1: f\(\) .*{problem}"):
        epy.export(namespace["f"])


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (lambda: 0, "takes 0 arguments, but its prototype has 1"),
        (lambda a, b: 0, "takes 2 arguments"),
        (lambda a, b, c=1: 0, "takes 2 to 3 arguments"),
        (3, "3 is not callable"),
    ],
)
def test_a_prototype_must_fit_its_function(function: Any, problem: str) -> None:
    with pytest.raises(epy.SignatureError, match=problem):
        epy.callback(INT_FUNCTION, function)


@pytest.mark.parametrize("function", [abs, lambda *args: 1, lambda a, b=2, *, c=3: a])
def test_a_prototype_fits_what_can_be_called_with_it(function: Any) -> None:
    assert INT_FUNCTION(epy.callback(INT_FUNCTION, function).address)(1) == 1


@pytest.mark.parametrize("error", ["text", 1 << 40, 1.5])
def test_an_error_value_must_fit_the_result(error: object) -> None:
    with pytest.raises(epy.SignatureError, match="does not fit the result type"):
        epy.callback(INT_FUNCTION, lambda x: x, error=error)


@pytest.mark.parametrize("name", ["", "a\0b", "\ud800"])
def test_bad_names_are_refused(script: Building, name: str) -> None:
    with pytest.raises(epy.ExportNameError, match="is no name for an export"):
        epy.export(INT_FUNCTION, name=name)(abs)
    assert not script.exports


def test_names_are_given_once_and_a_lambda_has_none(script: Building) -> None:
    epy.export(INT_FUNCTION)(abs)
    with pytest.raises(epy.ExportNameError, match="'abs' is exported twice"):
        epy.export_address("abs", 4096)
    with pytest.raises(epy.ExportNameError, match="pass name="):
        epy.export(INT_FUNCTION)(lambda x: x)


def test_names_may_be_utf8_and_long(script: Building) -> None:
    for name in ("größe", "n" * 500):
        epy.export(INT_FUNCTION, name=name)(abs)
        assert name in script.exports


def test_forgotten_prototypes_are_explained() -> None:
    with pytest.raises(epy.SignatureError, match="not a function type: use CFUNCTYPE"):
        epy.export(c_int)
    with pytest.raises(epy.SignatureError, match="give a ctypes function type or a C prototype"):
        epy.callback(lambda x: x)  # type: ignore[call-overload]


def test_the_object_is_the_function_to_python_and_a_pointer_to_c() -> None:
    @epy.callback(INT_FUNCTION)
    def double(x: Any, factor: Any = 2) -> Any:
        "Twice."
        return x * factor

    class Table(Structure):
        _fields_ = [("f", INT_FUNCTION)]

    assert double("ab", factor=3) == "ababab"
    assert (double.__name__, double.__doc__, double.__module__) == ("double", "Twice.", __name__)
    assert double.__qualname__.endswith("<locals>.double")
    assert isinstance(double, INT_FUNCTION) and isinstance(double, epy.NativeFunction)
    assert type(double) is type(epy.callback(INT_FUNCTION, abs))
    assert Table(double).f(21) == 42
    assert ctypes.cast(double, c_void_p).value == double.address


def test_a_callback_lives_as_long_as_it_or_a_struct_with_it() -> None:
    class Table(Structure):
        _fields_ = [("f", INT_FUNCTION)]

    def function(x: int) -> int:
        return x + 1

    dropped = weakref.ref(function)
    table = Table(epy.callback(INT_FUNCTION, function))
    del function
    gc.collect()
    assert table.f(1) == 2
    del table
    assert dropped() is None


def test_pointer_and_subclass_arguments_are_instances() -> None:
    seen: list[Any] = []
    prototype = CFUNCTYPE(c_int, POINTER(Point), Handle, INT_FUNCTION, POINTER(c_ubyte))

    @epy.callback(prototype)
    def take(*args: Any) -> int:
        seen.extend(args)
        return len(args)

    negate = INT_FUNCTION(lambda x: -x)
    point = Point(1, 2)
    assert prototype(take.address)(point, Handle(7), negate, None) == 4
    assert (seen[0].contents.y, seen[1].value, bool(seen[3])) == (2, 7, False)
    assert isinstance(seen[1], Handle)
    assert seen[2](5) == -5


def test_addresses_of_other_kinds_are_exported(script: Building) -> None:
    libc = ctypes.CDLL(None)
    callback = epy.callback(INT_FUNCTION, abs)
    epy.export_address("plain", 0x1234)
    epy.export_address("function", libc.getpid)
    epy.export_address("object", callback)
    addresses = [export.address for export in script.exports.values()]
    assert addresses == [
        0x1234,
        ctypes.cast(libc.getpid, c_void_p).value,
        callback.address,
    ]
    assert script.exports["object"].text == "int object(int)"
    for wrong in (0, -1, 1 << 64, "x", None):
        with pytest.raises(epy.SignatureError, match="no address"):
            epy.export_address("wrong", wrong)


def test_next_function_at_build_is_the_process_s_own(script: Building) -> None:
    @epy.export("size_t strlen(const char *)")
    def strlen(text: bytes) -> int:
        return 0

    assert epy.next_function("strlen")(b"four") == 4
    assert epy.next_function("abs", "int abs(int)")(-3) == 3
    with pytest.raises(epy.SymbolNotFoundError, match="no_such_function"):
        epy.next_function("no_such_function")


def test_outside_a_build_scripts_still_run() -> None:
    assert epy.on_load(print) is epy.on_unload(print) is print
    assert not epy.building
    assert epy.export_data("number", c_int(5)).value == 5
    epy.export_address("address", 4096)
    with pytest.raises(epy.Error, match="no plugin's script runs here"):
        _ = epy.plugin
    with pytest.raises(AttributeError):
        _ = epy.nothing  # type: ignore[attr-defined]


def test_at_build_the_plugin_is_a_stand_in(script: Building) -> None:
    assert epy.building
    assert (epy.plugin.name, epy.plugin.path, epy.plugin.state) == (
        "synth",
        "/synth.py",
        "building",
    )
    assert epy.plugin.folder == "/"
