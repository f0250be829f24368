"""Callables that are no plain functions, with annotations: objects, partials, bound methods."""

import ctypes
import functools
from ctypes import CFUNCTYPE, c_int

import pytest

import epy


class Adder:
    def __init__(self, number):
        self.number = number

    def __call__(self, a: c_int) -> c_int:
        return a + self.number

    def method(self, a: c_int, b: c_int = 3) -> c_int:
        return a + b + self.number

    @classmethod
    def of_class(cls, a: "c_int") -> c_int:
        return a + len(cls.__name__)


def digits(a: c_int, b: c_int, c: c_int, *, d: c_int = 0) -> c_int:
    return a * 1000 + b * 100 + c * 10 + d


def passed_on(function):
    @functools.wraps(function)
    def wrapper(*arguments):
        return function(*arguments)

    return wrapper


class Wrapped:
    @passed_on
    def method(self, a: c_int) -> c_int:
        return a * 2


@pytest.mark.parametrize(
    ("function", "arguments", "result"),
    [
        (Adder(5), (1,), 6),
        (Adder(6).method, (1, 2), 9),
        (Adder.of_class, (1,), 6),
        (functools.partial(digits, 1), (2, 3), 1230),
        (functools.partial(digits, 1, c=4, d=5), (2,), 1245),
        (functools.partial(functools.partial(digits, 1), 2), (3,), 1230),
        (functools.partial(Adder(7).method, 1), (2,), 10),
        (functools.partial(Adder(8)), (1,), 9),
        (Wrapped().method, (4,), 8),
        (passed_on(Adder(9)), (1,), 10),
    ],
)
def test_their_annotations_are_the_signature(function, arguments, result):
    exported = epy.export(name="f")(function)
    native = CFUNCTYPE(c_int, *[c_int] * len(arguments))(exported.address)
    assert native(*arguments) == result
    assert epy.header("int f();").callback("f", function).address  # `()`: they say what it takes


def test_a_header_takes_them_with_its_prototype_and_their_annotations():
    host = epy.header("typedef void *(*maker)(int a, void *p); struct s { maker make; };")

    class Maker:
        def __call__(self, a, p: ctypes.c_char_p):
            return a if p == b"text" else 0

    made = host.struct.s(make=Maker())
    assert made.make(3, b"text") == 3


def circular() -> ctypes.c_int:
    return 1


circular.__wrapped__ = circular


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (circular, "circular() wraps itself"),
        (functools.partial(digits, b=1), "has the parameter 'c' behind 'b', which a partial gives"),
        (functools.partial(len, ()), "has no annotations: give a prototype"),
        (Adder, "epy.export(Adder): not a function type"),
    ],
)
def test_what_c_cannot_call_is_refused(function, message):
    with pytest.raises(epy.SignatureError) as raised:
        epy.export(function)
    assert message in str(raised.value)


def test_an_object_without_a_name_wants_one(tmp_path, mistake):
    (tmp_path / "plugin.py").write_text(
        "import epy\nfrom ctypes import c_int\nclass A:\n"
        "    def __call__(self, a: c_int) -> c_int: return a\nepy.export(A())\n"
    )
    message = mistake("build", tmp_path / "plugin.py")
    assert "it must be a non-empty str without NUL; pass name=" in message


@pytest.mark.parametrize(
    "decorator", ["@epy.export", "@epy.export('int add(int)')", "@host.export"]
)
def test_a_method_in_a_class_is_told_what_to_export(decorator):
    with pytest.raises(epy.SignatureError) as raised:
        exec(
            "import epy\nfrom ctypes import c_int\nhost = epy.header('int add(int a);')\n"
            f"class Synth:\n    {decorator}\n    def add(self, a: c_int) -> c_int: return a\n",
            {},
        )
    assert str(raised.value).endswith(
        "is a method, and C passes no `self`: export a bound one, `epy.export(Synth().add)`, or a "
        "function outside the class"
    )
