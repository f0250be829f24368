"""Structs of headers lie in memory as the C compiler has them: sizes, offsets, values."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import epy

HEADERS = {
    "sqlite3ext.h": "",
    "ladspa.h": "",
    "gawkapi.h": "stdio.h stddef.h string.h sys/types.h sys/stat.h",
    "frei0r.h": "",
    "p11-kit-1/p11-kit/pkcs11.h": "",
    "fuse3/fuse_lowlevel.h": "",
    "lua5.4/lauxlib.h": "lua5.4/lua.h",
    "gnumake.h": "",
    "netinet/in.h": "",
    "signal.h": "",
    "link.h": "",
    "linux/kvm.h": "",
    "pthread.h": "",
}
DEFINE = {"FUSE_USE_VERSION": "31", "_GNU_SOURCE": "1"}


def spellings(host: Any) -> Iterator[tuple[str, Any]]:
    """Every complete struct and union that C can name, and its class."""
    declarations = host._declarations
    for name in list(declarations.names):
        found = declarations.find(name)
        kind = name.partition(" ")[0]
        if name.endswith("_dummy_struct"):  # a check in older C that GCC spares
            continue
        if kind in ("struct", "union") and "{" not in name and found[0] == kind:
            yield name, host._classes.make((kind, name.partition(" ")[2]))
        elif found[0] == "t":
            actual = host._classes.resolved(found[1])
            if isinstance(actual, tuple) and actual[0] in ("struct", "union") and "{" in actual[1]:
                yield name, host._classes.make(actual)


def storage(cls: Any, name: str) -> Any:
    """A field as it lies in memory, whatever Python makes of its value."""
    field = getattr(cls, name)
    return getattr(field, "native", field)


def question(spelling: str, cls: Any) -> Iterator[tuple[str, Any]]:
    """C expressions about a struct, and what ctypes says."""
    yield f"sizeof({spelling})", ctypes.sizeof(cls)
    for name in cls._epy_types_:
        field = storage(cls, name)
        if name[:1] == "#" or name[:7] == "__clang" or hasattr(field, "shift"):
            # an anonymous member, one of the compiler's own max_align_t, a bit-field
            continue
        yield f"offsetof({spelling}, {name})", field.offset


@pytest.mark.parametrize("header", HEADERS)
def test_a_real_header_s_structs(header: str, compile_c: Callable[..., Path], run: Any) -> None:
    includes = "".join(f"#include <{name}>\n" for name in (*HEADERS[header].split(), header))
    host = epy.header(includes, define=DEFINE)
    expected = [
        (f"{expression}", value)
        for spelling, cls in spellings(host)
        for expression, value in question(spelling, cls)
    ]
    assert len(expected) >= 3
    lines = "".join(f'    printf("%zu\\n", (size_t)({text}));\n' for text, _ in expected)
    defines = "".join(f"#define {name} {value}\n" for name, value in DEFINE.items())
    includes = f"{defines}#include <stddef.h>\n#include <stdio.h>\n{includes}"
    answers = run(compile_c(f"{includes}int main(void) {{\n{lines}}}\n")).stdout.split()
    wrong = [
        f"{text} is {answer}, not {value}"
        for (text, value), answer in zip(expected, answers, strict=True)
        if int(answer) != value
    ]
    assert wrong == []


SHAPES = {
    "bits": "struct bits { unsigned a : 3; int b : 5; unsigned long long c : 40; char d : 2; };",
    "straddle": "struct straddle { char a; int b : 30; short c : 10; long d : 50; int e : 3; };",
    "zero": "struct zero { char a : 4; int : 0; char b : 4; short : 3; int c; };",
    "unnamed": "struct unnamed { char a; int : 20; char b; };",
    "boolean": "struct boolean { _Bool a : 1; _Bool b : 1; unsigned char c : 7; };",
    "enumerated": "enum e { x, y, z }; struct enumerated { enum e a : 2; enum e b; };",
    "packed": "struct __attribute__((packed)) packed { char a; double b; short c; int d[3]; };",
    "packed_after": "struct packed_after { char a; long b; } __attribute__((__packed__));",
    "packed_bits": "struct packed_bits { char a; int b : 20, c : 20; } __attribute__((packed));",
    "packed_member": "struct packed_member { char a; int b __attribute__((packed)); long c; };",
    "pragma": "#pragma pack(push, 2)\nstruct pragma { char a; int b; double c; };\n"
    "#pragma pack(pop)",
    "pragma_bits": "#pragma pack(1)\nstruct pragma_bits { char a; int b : 17; int c : 17; };\n"
    "#pragma pack()",
    "aligned": "struct aligned { char a; } __attribute__((aligned(32)));",
    "aligned_member": "struct aligned_member { char a; char b __attribute__((aligned(16))); };",
    "alignas": "struct alignas { char a; _Alignas(8) char b; _Alignas(double) char c; };",
    "nested": "struct nested { char a; struct { short x; char y; } b[3];\n"
    "union { int i; char c[7]; } u; };",
    "anonymous": "struct anonymous { int t; union { int i; struct { char p, q; long r; }; };\n"
    "char z; };",
    "holding_aligned": "struct big { int a; } __attribute__((aligned(64)));\n"
    "struct holding_aligned { char a; struct big b; char c; };",
    "low_aligned": "typedef long long low __attribute__((aligned(4)));\n"
    "struct low_aligned { int a; low b; };",
    "flexible": "struct flexible { short n; double items[]; };",
    "long_double": "struct long_double { char a; long double b; };",
    "wide": "struct wide { char a; __int128 b; char c; };",
    "pointers": "struct pointers { char a; void (*f)(int); int *b[3]; int (*c)[3]; };",
    "enum_sizes": "enum l { big = 0x100000000 }; enum __attribute__((packed)) s { low = 200 };\n"
    "struct enum_sizes { char a; enum s b; enum l c; };",
    "sized": "enum { count = 3 };\n#define MORE (count * 2 + sizeof(long))\n"
    "struct sized { char a[count], b[MORE][2]; int c[1 << 2 | 1]; };",
    "circle": "struct first { struct circle *c; union { struct circle *(*f)(void); } u; };\n"
    "struct circle { char a; struct first b[2]; };",
    "circle_of_typedefs": "typedef struct inner inner; typedef struct circle_of_typedefs whole;\n"
    "struct outer { inner *i; whole *w; };\nstruct inner { int x; whole *w; };\n"
    "struct circle_of_typedefs { char a; struct outer o; inner i[2]; };",
    "empty": "struct empty { }; struct holding_empty { char a; struct empty b; int c; };",
}


def member_values(cls: Any) -> Iterator[tuple[str, int]]:
    """Bit-fields, and a value of each that sets its first and its last bit."""
    for name in cls._epy_types_:
        field = storage(cls, name)
        if hasattr(field, "shift"):
            value = 1 << (field.width - 1) | 1
            yield name, value - (1 << field.width) if field.signed else value


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape(shape: str, compile_c: Callable[..., Path], run: Any) -> None:
    """Its size and offsets, and its bytes with each bit-field set in turn."""
    host = epy.header(SHAPES[shape] + "\n")
    cls = getattr(host.struct, shape)
    spelling = f"struct {shape}"
    asked = list(question(spelling, cls))
    lines = "".join(f'    printf("%zu\\n", {text});\n' for text, _ in asked)
    expected = [str(value) for _, value in asked]
    for name, value in member_values(cls):
        lines += f"    memset(&s, 0, sizeof s);\n    s.{name} = {value};\n    show(&s, sizeof s);\n"
        instance = cls()
        setattr(instance, name, value)
        assert getattr(instance, name) == value
        expected.append(bytes(instance).hex())
    source = f"""
#include <stddef.h>
#include <stdio.h>
#include <string.h>
{SHAPES[shape]}
static void show(void *p, size_t n) {{
    for (size_t i = 0; i < n; ++i) printf("%02x", ((unsigned char *)p)[i]);
    printf("\\n");
}}
int main(void) {{
    {spelling} s;
    memset(&s, 0, sizeof s);
    (void)show;
{lines}}}
"""
    # As the reader has it: C23 takes `alignas` for itself.
    assert run(compile_c(source, "-std=gnu17")).stdout.split() == expected
