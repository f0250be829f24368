"""C prototypes as text."""

from __future__ import annotations

import re
from ctypes import Structure, c_char, c_int, c_longlong
from typing import Any

import pytest

import epy
from epy._c.prototype import parse
from epy._types import evaluate


class node(Structure):
    _fields_ = [("value", c_int)]


NAMES: dict[str, Any] = {
    "node": node,
    "sqlite3_int64": c_longlong,
    "gchar": c_char,
    "not_a_type": 3,
}


@pytest.mark.parametrize(
    ("text", "name", "expression"),
    [
        ("int f(void)", "f", "c_int"),
        ("int f()", "f", "c_int"),
        ("void f(int);", "f", "None, c_int"),
        ("double scale(double x, double k)", "scale", "c_double, c_double, c_double"),
        (
            "int f(const char *s, size_t n, void *p, int (*cb)(int))",
            "f",
            "c_int, c_char_p, c_ulong, c_void_p, CFUNCTYPE(c_int, c_int)",
        ),
        ("int (*)(void *)", "", "c_int, c_void_p"),
        ("int (float)", "", "c_int, c_float"),
        ("int (*compare)(const void *, const void *)", "compare", "c_int, c_void_p, c_void_p"),
        (
            "void (*signal(int number, void (*handler)(int)))(int)",
            "signal",
            "CFUNCTYPE(None, c_int), c_int, CFUNCTYPE(None, c_int)",
        ),
        (
            "unsigned f(unsigned long long a, long int b, signed char c, short unsigned d, long e)",
            "f",
            "c_uint, c_ulonglong, c_long, c_byte, c_ushort, c_long",
        ),
        ("_Bool f(bool a, char b, wchar_t c)", "f", "c_bool, c_bool, c_char, c_wchar"),
        (
            "uint8_t f(int64_t a, uint32_t *b, ssize_t c, uintptr_t d, uid_t e)",
            "f",
            "c_ubyte, c_long, POINTER(c_uint), c_long, c_ulong, c_uint",
        ),
        ("wchar_t *f(char **a, void **b)", "f", "c_wchar_p, POINTER(c_char_p), POINTER(c_void_p)"),
        (
            "int main(int argc, char *argv[], char *const *envp)",
            "main",
            "c_int, c_int, POINTER(c_char_p), POINTER(c_char_p)",
        ),
        (
            "int f(int a[4], int (*b)[4], char c[])",
            "f",
            "c_int, POINTER(c_int), POINTER(c_int * 4), c_char_p",
        ),
        ("int f(int callback(int))", "f", "c_int, CFUNCTYPE(c_int, c_int)"),
        (
            "node *f(struct node *a, const node *, node)",
            "f",
            "POINTER(node), POINTER(node), POINTER(node), node",
        ),
        (
            "sqlite3_int64 f(sqlite3_int64 a, node const *b)",
            "f",
            "sqlite3_int64, sqlite3_int64, POINTER(node)",
        ),
        ("void f(const gchar *text)", "f", "None, c_char_p"),
        ("enum color f(enum color a)", "f", "c_int, c_int"),
        ("extern int (f)(int a)", "f", "c_int, c_int"),
        ("int f(node (*)(void))", "f", "c_int, CFUNCTYPE(node)"),
        ("long double f(long double a)", "f", "c_longdouble, c_longdouble"),
        (
            "double _Complex f(float complex a, _Complex double b)",
            "f",
            "c_double_complex, c_float_complex, c_double_complex",
        ),
        (
            "int f(unsigned char *restrict a /* in */, // first\n  int b)",
            "f",
            "c_int, POINTER(c_ubyte), c_int",
        ),
    ],
)
def test_prototypes(text: str, name: str, expression: str) -> None:
    assert parse(text, NAMES) == (name, f"CFUNCTYPE({expression})")
    evaluate(f"CFUNCTYPE({expression})", NAMES)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("int f(int x", "does not parse"),
        ("int f(int x, )", "does not parse"),
        ("int f(int 5x)", "does not parse .at column 11"),
        ("synth", "a name goes into name="),
        ("", "does not parse|no single C prototype"),
        ("int x", "is no function"),
        ("int *x", "is no function"),
        ("int f(int); int g(int)", "no single C prototype"),
        ("int f(int) { return 1; }", "no single C prototype|does not parse"),
        ("int f(foo_t *x)", "unknown type 'foo_t': define a ctypes type foo_t in the script"),
        ("int f(foo_t)", "unknown type 'foo_t'"),
        ("itn f(void)", r"unknown type 'itn'.*\(did you mean int\?\)"),
        ("int f(struct foo *)", "unknown type 'struct foo'.* or write void"),
        ("int f(struct { int a; } *)", "has a struct without a name"),
        ("int f(not_a_type x)", "unknown type 'not_a_type'"),
        ("int f(short double)", "does not parse .*'short double' is invalid"),
        ("int f(__int128 x)", "gives parameter 'x' the type '__int128', which ctypes cannot hold"),
        ("int f(int, unsigned __int128)", "gives parameter 2 the type 'unsigned __int128', which"),
        ("_Float128 f(void)", "gives the result the type '_Float128', which ctypes cannot hold"),
        ("int f(int (*a)(__float128 b))", "gives parameter 'b' the type '_Float128'"),
        ("int f(__m256d x)", r"ctypes cannot hold \(it has no vectors\): take it by pointer"),
        ("int f(long double _Complex x)", "it has no long double _Complex"),
        ("int f(_Decimal64 x)", "it has no decimal floating point"),
        ("int f(int (*a)[N])", "use of undeclared identifier 'N'"),
    ],
)
def test_prototypes_that_do_not_serve(text: str, problem: str) -> None:
    with pytest.raises(epy.SignatureError, match=problem) as raised:
        parse(text, NAMES)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith(f"the C prototype '{text.rstrip('; ')}'")


def test_the_script_s_own_types_are_found() -> None:
    def value_of(item: Any) -> int:
        return int(item.contents.value)

    native = epy.callback("int value_of(struct node *item)", value_of)
    assert type(native).__mro__[2](native.address)(node(7)) == 7


def test_a_struct_by_value_is_the_script_s_own_type() -> None:
    native = epy.callback("struct node f(struct node)", lambda item: node(item.value + 1))
    assert type(native).__mro__[2](native.address)(node(7)).value == 8


def test_a_type_that_is_gone_is_named() -> None:
    from epy._script import Script
    from epy._signature import read_prototype

    script = Script("synth", "/synth.py")
    script.prototypes["int f(later_t *)"] = "f", "CFUNCTYPE(c_int, POINTER(later_t))"
    with pytest.raises(epy.SignatureError, match="needs the type later_t: define it before"):
        read_prototype("int f(later_t *)", {}, script)


@pytest.mark.parametrize(
    ("prototype", "named"),
    [
        (
            "int f(point *p)",
            "the unknown type 'point': host.h has it: give the prototype to that, ",
        ),
        ("int f(struct spot *p)", "the unknown type 'struct spot': host.h has it: give the"),
    ],
)
def test_a_type_that_a_header_of_the_script_has(mistake, tmp_path, prototype, named) -> None:
    (tmp_path / "host.h").write_text("typedef struct spot { int x; } point;\n")
    (tmp_path / "plugin.py").write_text(
        "import epy\nhost = epy.header('host.h')\n"
        f"@epy.export('{prototype}')\ndef f(p):\n    return 1\n"
    )
    told = mistake("build", "plugin.py")
    assert named in told
    assert '`@host.export("...")`, `host.callback("...")`, or write void *' in told
    (tmp_path / "plugin.py").write_text(
        f"import epy\n@epy.export('{prototype}')\ndef f(p):\n    return 1\n"
    )
    assert re.search("define a ctypes type (spot|point) in", mistake("build", "plugin.py"))
