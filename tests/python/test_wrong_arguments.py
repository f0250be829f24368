"""Every public function of epy, given what it does not take, says what it takes.

An error is one of epy's, or names the argument; never one of Python's own about what epy did with
it. Addresses are not made up: C's functions would go there.
"""

from __future__ import annotations

import ctypes
import itertools
import re

import pytest

import epy
from epy import _names

# What Python says of an operation that a value has not.
RAW = re.compile(
    "object has no |is not iterable|bad argument type|unhashable|not callable|expected str|"
    "cannot be interpreted|not subscriptable|unsupported operand|embedded null|index-sized|"
    "not supported between|too large to convert|NULL pointer|sequence item|must be string|"
    r"must be a ctypes type|int\(\) argument"
)
# Whose rules are ctypes' own, and those that are for no script to make.
OTHERS = {name for name, home in _names.HOMES.items() if home == "_host.annotations"}
OTHERS |= {"c_double_complex", "c_float_complex", "c_str", "NativeFunction", "Plugin", "Report"}
OTHERS |= {"error_hook", "Header", "Pointer", "out"} | {
    name for name, home in _names.HOMES.items() if home == "_errors"
}
TAKE_ADDRESSES = {"VaList", "call", "tail_call", "format", "put", "methods"}

struct = type("S", (ctypes.Structure,), {"_fields_": [("a", ctypes.c_int)]})
WRONG = [
    5,
    2**70,
    1.5,
    None,
    "",
    "x\0y",
    "\ud800",
    "text",
    b"bytes",
    [],
    [1],
    {1: 2},
    object(),
    ctypes.c_int(3),
    ctypes.POINTER(ctypes.c_int)(),
    ctypes.c_int,
    struct,
    lambda *given: None,
    memoryview(b"x"),
]

HEADER = """
struct p { int x; double y; struct p *next; const char *name; int (*f)(int); };
int do_it(int a, const char *b, struct p *c, int (*d)(int));
extern int level;
"""


def raw_error(function, *arguments, **named):
    """What Python says, if it does."""
    try:
        function(*arguments, **named)
    except epy.Error:
        pass
    except Exception as error:
        return str(error) if RAW.search(str(error)) else None
    return None


def found(name, function, all_arguments, **named):
    return [
        f"{name}{arguments!r} {named}: {error}"
        for arguments in all_arguments
        if not (name in TAKE_ADDRESSES and any(isinstance(one, int) for one in arguments))
        and (error := raw_error(function, *arguments, **named))
    ]


PUBLIC = sorted({*_names.HOMES, *_names.THERE} - OTHERS)


@pytest.mark.parametrize("name", PUBLIC)
def test_of_a_public_function(name):
    function = getattr(epy, name)
    if not callable(function):
        pytest.fail(f"{name}: say in OTHERS why it is not called")
    pairs = list(itertools.product(WRONG, WRONG))
    if name in ("call", "constant"):  # what they call raises its own
        pairs = []
    alone = [(one,) for one in WRONG if name != "constant" or not callable(one)]
    assert found(name, function, [*alone, *pairs]) == []


@pytest.fixture
def host():
    return epy.header(HEADER)


@pytest.mark.parametrize("argument", ["include", "pkg", "define", "types", "errors", "library"])
def test_of_an_argument_of_header(argument):
    wrong = []
    for value in WRONG:
        named = {argument: value}
        wrong += found("header", lambda **given: epy.header(HEADER, **given).do_it, [()], **named)
        wrong += found("header", epy.header, [("int f(struct x);\n",)], **named)
    assert wrong == []


@pytest.mark.parametrize("method", ["export", "callback", "export_data", "export_all", "function"])
def test_of_a_header_s_method(host, method):
    function = getattr(host, method)
    wrong = found(method, function, [(one,) for one in WRONG])
    wrong += found(method, function, itertools.product(WRONG, WRONG))
    for named, value in itertools.product(("name", "like", "version"), WRONG):
        if method == "export":
            made = host.export(**{named: value})
            wrong += found(method, made, [(lambda a: 0,)])
    assert wrong == []


@pytest.mark.parametrize("field", ["x", "y", "next", "name", "f"])
def test_of_a_field(host, field):
    assert found("p", host.struct.p, [()]) == []
    for value in WRONG:
        assert not raw_error(host.struct.p, **{field: value})


@pytest.mark.parametrize(
    "function",
    [
        lambda value: epy.put("x", (ctypes.c_char * 4)(), value),
        lambda value: epy.put("x", (ctypes.c_char * 4)(), 4, value),
        lambda value: epy.view(ctypes.pointer(ctypes.c_int()), value),
        lambda value: epy.view(ctypes.pointer(ctypes.c_int()), 1, value),
        lambda value: epy.address(struct(), value),
        lambda value: epy.address(ctypes.pointer(struct()), value),
        lambda value: epy.address(value, "a"),
        lambda value: epy.Pointer[value],
        lambda value: epy.Consumed[value],
        lambda value: epy.out[value],
        lambda value: setattr(epy, "error_hook", value if not callable(value) else print),
        lambda value: epy.export("int f(int)", name=value)(lambda x: x),
        lambda value: epy.export("int f(int)", version=value)(lambda x: x),
        lambda value: epy.export("int f(int)", name="f9", error=value)(lambda x: x),
        lambda value: epy.export_data(value, 5),
        lambda value: epy.export_data(value, "text"),
        lambda value: epy.Bindings("test_wrong").function(value),
        lambda value: epy.Bindings("test_wrong").type(value),
    ],
)
def test_of_what_else_takes_a_value(function):
    try:
        assert found("", function, [(one,) for one in WRONG]) == []
    finally:
        del epy.error_hook


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda: epy.print_report(5), "epy.print_report(report=5): give a Report"),
        (lambda: epy.header("int x;", define=5), "epy.header(define=5): give a dict of macros"),
        (lambda: epy.header("int x;", include=5), "epy.header(include=5): give a folder"),
        (lambda: epy.on_load(5), "epy.on_load(function=5): give a function"),
        (lambda: epy.set_errno(1.5), "epy.set_errno(number=1.5): give an int from 0 to 2147483647"),
        (lambda: epy.next_function([]), "epy.next_function(name=[]): give a function's name"),
        (lambda: epy.constant(5), "epy.constant(function=5): give a function without"),
    ],
)
def test_the_message_names_the_argument(function, says):
    with pytest.raises(TypeError) as raised:
        function()
    assert str(raised.value).startswith(says)
