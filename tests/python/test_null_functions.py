"""A NULL function pointer raises when Python calls it, whichever way it came."""

from __future__ import annotations

import ctypes
import sys
from ctypes import CFUNCTYPE, POINTER, PYFUNCTYPE, Structure, Union, c_int, c_void_p, cast, pointer
from typing import Any

import pytest

import epy

Function = CFUNCTYPE(c_int, c_int)


class Table(Structure):
    _fields_ = [("one", Function), ("more", Function * 2), ("next", c_void_p)]


class Either(Union):
    _fields_ = [("call", Function), ("number", ctypes.c_long)]


class Derived(Function):  # type: ignore[misc,valid-type]
    _flags_ = Function._flags_
    _restype_ = c_int
    _argtypes_ = (c_int,)


HEADER = epy.header("""
typedef int (*unary)(int);
struct table { unary one; unary more[2]; int (*print)(const char *, ...); struct table *next; };
union either { unary call; long number; };
int apply(unary call, int value);
""")


def pointers() -> dict[str, Any]:
    host = HEADER.struct.table()
    own = Table()
    return {
        "made by the script": Function(),
        "made of the number 0": Function(0),
        "with the GIL": PYFUNCTYPE(c_int, c_int)(0),
        "of a subclass": Derived(),
        "cast from NULL": cast(None, Function),
        "a field": own.one,
        "a field through a pointer": cast(pointer(own), POINTER(Table))[0].one,
        "an item of an array": own.more[1],
        "what a pointer leads to": POINTER(Function)(Function())[0],
        "a union's": Either().call,
        "a header's typedef": HEADER.unary(),
        "a header's field": host.one,
        "a header's field through a pointer": pointer(host).one,
        "an item of a header's array": host.more[1],
        "a variadic one of a header": host.print,
        "a header's union": HEADER.either().call,
        "a function of the process": ctypes.CDLL(None)._FuncPtr(0),
    }


@pytest.mark.parametrize("kind", pointers())
def test_the_call_raises(kind: str) -> None:
    function = pointers()[kind]
    assert not function
    with pytest.raises(ValueError, match="call of a NULL function pointer"):
        function(1)
    with pytest.raises(ValueError, match="call of a NULL function pointer"):
        epy.call(function, 1)
    with pytest.raises(epy.SignatureError, match="got a null function"):
        epy.tail_call(function, 1)


def test_a_class_that_was_there_before_epy_raises_too(run: Any, tmp_path: Any) -> None:
    (tmp_path / "late.py").write_text(
        "from ctypes import CFUNCTYPE, c_int\n"
        "F = CFUNCTYPE(c_int, c_int)\n"
        "class G(F): _flags_, _restype_, _argtypes_ = F._flags_, c_int, (c_int,)\n"
        "f, g = F(), G()\n"
        "import epy\n"
        "for one in f, g, F(), G():\n"
        "    try:\n"
        "        one(1)\n"
        "    except ValueError as error:\n"
        "        print(error)\n"
        "print(F(lambda n: n + 1)(2))\n"
    )
    lines = run(sys.executable, tmp_path / "late.py").stdout.splitlines()
    assert [line[:12] for line in lines] == ["call of a NU"] * 4 + ["3"]


def test_a_function_that_is_there_is_called_as_before() -> None:
    twice = Function(lambda n: 2 * n)
    assert twice(4) == epy.call(twice, 4) == Table(one=twice).one(4) == 8
    with pytest.raises(ctypes.ArgumentError):
        twice("text")
    with pytest.raises(TypeError):
        twice()


SCRIPT = """
import epy
from ctypes import CFUNCTYPE, POINTER, Structure, c_int, c_void_p, cast

F = CFUNCTYPE(c_int, c_int)

class T(Structure):
    _fields_ = [("f", F)]

lib = epy.header('''
struct t { int (*f)(int); };
int of_header(struct t *p);
int header_argument(int (*f)(int));
extern int (*hook)(int);
''')

@epy.export(error=-1)
def argument(f: F) -> c_int:
    return f(1)

@epy.export(error=-1)
def of_struct(t: POINTER(T)) -> c_int:
    return t[0].f(1)

@epy.export(error=-1)
def casted(t: c_void_p) -> c_int:
    return cast(t, POINTER(T))[0].f(1)

@epy.export("int text(int (*f)(int))", error=-1)
def text(f):
    return f(1)

@lib.export(error=-1)
def of_header(t):
    return t.f(1)

@lib.export(error=-1)
def header_argument(f):
    return f(1)

@epy.export(error=-1)
def of_variable(_: c_void_p) -> c_int:
    return lib.hook(1)
"""

HOST = """
#include <dlfcn.h>
#include <stdio.h>
int (*hook)(int);
static int next_number(int n) { return n + 1; }
int main(void) {
    void *plugin = dlopen("./plugin.so", RTLD_NOW);
    const char *names[] = {"argument", "text", "header_argument", "of_struct",
                           "casted", "of_header", "of_variable"};
    for (int i = 0; i < 7; i++) {
        int (*f)(void *) = (int (*)(void *))dlsym(plugin, names[i]);
        int (*table)(int) = NULL;
        int none = f(i < 3 ? NULL : (void *)&table);
        table = hook = next_number;
        int some = f(i < 3 ? (void *)table : (void *)&table);
        hook = NULL;
        printf("%s %d %d\\n", names[i], none, some);
    }
}
"""


def test_the_host_gets_the_error_value_if_it_passed_null(
    build_plugin: Any, compile_c: Any, run: Any
) -> None:
    build_plugin(SCRIPT)
    result = run(compile_c(HOST, "-rdynamic", "-ldl"))
    assert result.stderr.count("ValueError: call of a NULL function pointer") == 7
    lines = result.stdout.splitlines()
    assert len(lines) == 7
    assert all(line.endswith(" -1 2") for line in lines), lines
