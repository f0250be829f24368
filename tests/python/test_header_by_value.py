"""Structs and unions by value to functions of the host: as C has them, or refused."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import epy
from epy._types import scalars

WRONG = {  # by what ctypes passes otherwise
    "struct __attribute__((packed)) packed { char a; double b; }": "is packed",
    "union mixed { double d; long i; }": "holds a union of different types",
    "union halves { double d; char text[12]; }": "holds a union of different types",
    "struct inside { int a; union { float b[1]; } u; }": "holds a union of different types",
    "struct extended { long double d; }": "holds a long double",
    "struct lane { int a __attribute__((aligned(16))); }": "is aligned to 16 bytes",
}
RIGHT = [
    "struct bits { unsigned a : 3; int b : 13; double d; }",
    "struct even { char a; short b; int c; float d[2]; }",
    "struct __attribute__((packed)) whole { long a; int b; }",
    "struct __attribute__((packed)) long_one { char a; double b[4]; }",
    "union number { int i; float f; }",
    "union handle { void *pointer; int number; unsigned long bits; }",
    "union name { char text[4]; int i; }",
    "struct outer { double d; union { long i; void *p; } u; }",
    "struct wave { float _Complex c; }",
]
HEADER = """
{0};
typedef {1} T;
T swap(int first, T one, double middle, T other, int last);
struct table {{ T (*swap)(int first, T one, double middle, T other, int last); }};
struct table *get_table(void);
int call_back(T (*f)(T one, double middle), const T *one);
"""
SOURCE = """
#include <string.h>
T swap(int first, T one, double middle, T other, int last) {
    const T *const chosen = middle == 2.5 ? &other : &one;
    T result;
    memset(&result, 0, sizeof result);
    if (first == 77 && last == -9) memcpy(&result, chosen, sizeof result);
    return result;
}
static struct table table = {swap};
struct table *get_table(void) { return &table; }
int call_back(T (*f)(T one, double middle), const T *one) {
    const T result = f(*one, 2.5);
    return memcmp(&result, one, sizeof result);
}
"""


@pytest.fixture
def host_of(compile_c: Callable[..., Path]) -> Callable[[str], Any]:
    def host_of(declaration: str) -> Any:
        name = declaration.partition("{")[0].replace("__attribute__((packed)) ", "").strip()
        text = HEADER.format(declaration, name)
        library = compile_c(text + SOURCE, "-shared", "-fPIC", "-w", name="libhost.so")
        return epy.header(text, library=library)

    return host_of


def filled(host: Any, start: int) -> Any:
    value = host._classes.make(("t", "T"))()
    ctypes.memset(ctypes.addressof(value), start, ctypes.sizeof(value))
    return value


def shown(value: Any) -> list[int]:
    """The first byte of each number in it."""
    return [bytes(value)[offset] for _, offset in scalars(type(value))]


@pytest.mark.parametrize("declaration", RIGHT)
def test_what_is_passed_comes_whole(host_of, declaration: str) -> None:
    host = host_of(declaration)
    one, other = filled(host, 1), filled(host, 2)
    assert shown(host.swap(77, one, 2.5, other, -9)) == shown(other)
    assert shown(host.get_table()[0].swap(77, one, 0.5, other, -9)) == shown(one)


@pytest.mark.parametrize("declaration, reason", WRONG.items())
def test_what_python_passes_otherwise_is_refused(host_of, declaration: str, reason: str) -> None:
    host = host_of(declaration)
    one = filled(host, 1)
    for function in (host.swap, host.get_table()[0].swap):
        for _ in range(2):
            with pytest.raises(epy.SignatureError, match=f"by value, which {reason}"):
                function(77, one, 2.5, one, -9)


def test_callbacks_have_packed_structs_as_in_c(host_of) -> None:
    host = host_of(next(iter(WRONG)))
    assert host.call_back(lambda one, middle: one, filled(host, 1)) == 0
