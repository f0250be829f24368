"""Prototypes of the host's methods, which a running plugin reads without Clang."""

from __future__ import annotations

import ctypes

import pytest

from epy import SignatureError
from epy._host.plain_prototypes import HostPointer, read_prototype
from epy._host.values import c_str

OWN, OTHER = HostPointer("Peer"), HostPointer("Other")

KNOWN = [
    ("int f(Peer *)", ("f", ctypes.c_int, [OWN])),
    (
        "void f(struct Peer * self, unsigned n);",
        ("f", None, [OWN, ctypes.c_uint]),
    ),
    (
        "const char *f(const Peer *p, const char *text)",
        ("f", c_str, [OWN, c_str]),
    ),
    (
        "Peer * f(Peer*, long long int a, unsigned long, short)",
        ("f", OWN, [OWN, ctypes.c_longlong, ctypes.c_ulong, ctypes.c_short]),
    ),
    (
        "size_t f(Peer *p, uint8_t b, int32_t i, ssize_t s, bool t, enum kind k)",
        (
            "f",
            ctypes.c_ulong,
            [OWN, ctypes.c_ubyte, ctypes.c_int, ctypes.c_long, ctypes.c_bool, ctypes.c_int],
        ),
    ),
    (
        "double f(Peer *p, float x[3], void **out, FILE *file, Peer **list, int argv[])",
        ("f", ctypes.c_double, [OWN, *[ctypes.c_void_p] * 5]),
    ),
    ("Other *f(Peer *, const Other *o, Other **)", ("f", OTHER, [OWN, OTHER, ctypes.c_void_p])),
    (
        "void f(Peer *, int (*callback)(int, void (*)(void)), void (*)(Peer *), size_t n)",
        (
            "f",
            None,
            [
                OWN,
                ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.CFUNCTYPE(None)),
                ctypes.CFUNCTYPE(None, ctypes.c_void_p),
                ctypes.c_ulong,
            ],
        ),
    ),
    ("int (*)(int (*)(void))", ("callback", ctypes.c_int, [ctypes.CFUNCTYPE(ctypes.c_int)])),
    ("signed char f(void)", ("f", ctypes.c_byte, [])),
    ("unsigned f()", ("f", ctypes.c_uint, [])),
    ("wchar_t f(Peer *p, wchar_t c)", ("f", ctypes.c_wchar, [OWN, ctypes.c_wchar])),
]


@pytest.mark.parametrize(("text", "wanted"), KNOWN)
def test_plain_prototypes_are_read(text, wanted):
    assert read_prototype(text, ("Peer", "Other").__contains__) == wanted


@pytest.mark.parametrize(
    "text",
    [
        *(
            "int f",
            "f",
            "",
            "f(int)",
            "int f)",
            "int (f)(int)",
            "thing f(Peer *)",
            "int f(thing x)",
        ),
        *("int (*f(int))(int)", "int f(int (*)(thing))", "int f(int (x))"),
        *("int f(int, ...)", "int f(...)", "int f(int, void)", "int f(void v)"),
    ],
)
def test_others_are_refused(text):
    with pytest.raises(SignatureError):
        read_prototype(text, ("Peer", "Other").__contains__)
