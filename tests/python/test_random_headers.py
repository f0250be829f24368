"""Random structs and constant expressions: what a header gives is what gcc makes of it.

A C program sets one field after the other in zeroed memory and prints the bytes. The classes of
`epy.header` have the same sizes, give the same bytes when the same fields are set, and read the
values back. EPY_HEADERS says how many structs and expressions to try (300 of each):

    EPY_HEADERS=30000 ctest --preset dev -R random_headers
"""

from __future__ import annotations

import ctypes
import os
import random
import re
from typing import Any, NamedTuple

import pytest

import epy

COUNT = int(os.environ.get("EPY_HEADERS", "300"))
BATCH = 100  # structs of a header

INTEGERS = {  # bits, and whether there is a sign
    "signed char": (8, True),
    "unsigned char": (8, False),
    "short": (16, True),
    "unsigned short": (16, False),
    "int": (32, True),
    "unsigned int": (32, False),
    "long": (64, True),
    "unsigned long": (64, False),
    "long long": (64, True),
    "unsigned long long": (64, False),
}
SCALARS = [*INTEGERS, "_Bool", "char", "float", "double", "void *", "enum colour"]
START = "enum colour { RED, GREEN = 5, BLUE };\n"


class Leaf(NamedTuple):
    """A field that holds a number, at the end of a way through structs and arrays."""

    way: tuple[str | int, ...]
    type: str
    bits: int  # of a bit-field; 0: none


class Structs:
    """Declarations in C, and the leaves of each."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.text = START
        self.leaves: dict[str, list[Leaf]] = {}  # "struct s1"
        self.whole: list[str] = []  # those that others may contain

    def declare(self) -> None:
        name = f"{self.random.choice(['struct', 'struct', 'struct', 'union'])} s{len(self.leaves)}"
        body, leaves = self.body(depth=2)
        packing = self.random.choice(["", "", "", "packed", "1", "2", "4", "8"])
        attributes = ["packed"] if packing == "packed" else []
        attributes += [f"aligned({self.random.choice([2, 4, 16, 64])})"][: self.rarely()]
        attribute = f" __attribute__(({', '.join(attributes)}))" if attributes else ""
        if name.startswith("struct") and leaves and self.rarely():
            body += f"{self.random.choice(SCALARS)} tail[]; "
        else:
            self.whole.append(name)
        declaration = f"{name.split()[0]}{attribute} {name.split()[1]} {{ {body}}};\n"
        if packing.isdigit():
            declaration = f"#pragma pack(push, {packing})\n{declaration}#pragma pack(pop)\n"
        self.text += declaration
        self.leaves[name] = leaves

    def rarely(self) -> bool:
        return self.random.randrange(8) == 0

    def body(self, depth: int, prefix: str = "m") -> tuple[str, list[Leaf]]:
        text, leaves = "", []
        for index in range(self.random.randint(1, 5)):
            declared, more = self.member(f"{prefix}{index}", depth)
            text += f"{declared}; "
            leaves += more
        return text, leaves

    def member(self, name: str, depth: int) -> tuple[str, list[Leaf]]:
        choice = self.random.randrange(10)
        if choice < 3:
            return self.bit_field(name)
        if choice == 3 and depth > 0:  # without a name
            body, leaves = self.body(depth - 1, f"{name}_")
            return f"{self.random.choice(['struct', 'union'])} {{ {body}}}", leaves
        if choice == 4 and depth > 0:
            body, inner = self.body(depth - 1)
            kind = f"{self.random.choice(['struct', 'union'])} {{ {body}}}"
        elif choice == 5 and self.whole:
            kind = self.random.choice(self.whole)
            inner = self.leaves[kind]
        else:
            kind = self.random.choice(SCALARS)
            inner = [Leaf((), kind, 0)]
        dimensions = 0 if kind == "char" else self.random.choice([0, 0, 0, 1, 2])  # char[]: a text
        lengths = [self.random.randint(1, 3) for _ in range(dimensions)]
        places: list[tuple[int, ...]] = [()]
        for length in lengths:
            places = [(*place, i) for place in places for i in range(length)]
        leaves = [leaf._replace(way=(name, *at, *leaf.way)) for at in places for leaf in inner]
        aligned = f" __attribute__((aligned({self.random.choice([1, 2, 8, 32])})))"
        suffix = aligned if self.rarely() else ""
        return f"{kind} {name}{''.join(f'[{length}]' for length in lengths)}{suffix}", leaves

    def bit_field(self, name: str) -> tuple[str, list[Leaf]]:
        kind = self.random.choice([*INTEGERS, "_Bool"])
        width = 1 if kind == "_Bool" else self.random.randint(1, INTEGERS[kind][0])
        without_name = self.random.randrange(8)
        if without_name == 0:
            return f"{kind} : 0", []
        if without_name == 1:
            return f"{kind} : {width}", []
        return f"{kind} {name} : {width}", [Leaf((name,), kind, width)]

    def value(self, leaf: Leaf) -> tuple[Any, str]:
        """In Python and in C."""
        if leaf.type == "_Bool":
            return True, "1"
        if leaf.type == "char":
            number = self.random.randrange(1, 256)
            return bytes([number]), f"(char){number}"
        if leaf.type in ("float", "double"):
            fraction = self.random.randrange(1, 10**6) / 8
            return fraction, repr(fraction)
        if leaf.type == "void *":
            number = self.random.randrange(1, 2**64)
            return number, f"(void *){number}ul"
        if leaf.type == "enum colour":
            number = self.random.choice([1, 5, 6, 77])
            return number, f"(enum colour){number}"
        bits, signed = INTEGERS[leaf.type]
        bits = leaf.bits or bits
        number = self.random.randrange(2**bits) - (2 ** (bits - 1) if signed else 0)
        return number, f"({leaf.type}){number % 2**64}ul"


def in_c(way: tuple[str | int, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in way)


def set_value(place: Any, way: tuple[str | int, ...], value: Any) -> None:
    for step in way[:-1]:
        place = place[step] if isinstance(step, int) else getattr(place, step)
    if isinstance(way[-1], int):
        place[way[-1]] = value
    else:
        setattr(place, way[-1], value)


def value_of(place: Any, way: tuple[str | int, ...]) -> Any:
    for step in way:
        place = place[step] if isinstance(step, int) else getattr(place, step)
    return place


@pytest.mark.parametrize("batch", range(-(-COUNT // BATCH)))
def test_structs_have_the_places_and_values_that_gcc_gives_them(compile_c, run, batch):
    structs = Structs(batch)
    for _ in range(BATCH):
        structs.declare()
    tries = [
        (name, leaf, *structs.value(leaf))
        for name, leaves in structs.leaves.items()
        for leaf in structs.random.sample(leaves, min(len(leaves), 12))
    ]
    host = structs.text + "#include <stdio.h>\n#include <string.h>\n"
    host += "static void show(void *data, unsigned long size) {\n"
    host += (
        '    for (unsigned long i = 0; i < size; i++) printf("%02x", ((unsigned char *)data)[i]);'
    )
    host += '\n    puts("");\n}\n'
    main = ""
    for name in structs.leaves:
        main += f'    printf("%lu\\n", sizeof({name}));\n'
    for index, (name, leaf, _, value) in enumerate(tries):
        host += f"static void try_{index}(void) {{ {name} it; memset(&it, 0, sizeof it); "
        host += f"it{in_c(leaf.way)} = {value}; show(&it, sizeof it); }}\n"
        main += f"    try_{index}();\n"
    host += f"int main(void) {{\n{main}}}\n"
    lines = iter(run(compile_c(host, "-w")).stdout.splitlines())

    header = epy.header(structs.text)
    classes = {name: getattr(header.struct, name.split()[1]) for name in structs.leaves}
    for name, made in classes.items():
        assert str(ctypes.sizeof(made)) == next(lines), name
    for (name, leaf, value, _), line in zip(tries, lines, strict=True):
        place = classes[name]()
        set_value(place, leaf.way, value)
        assert bytes(place).hex() == line, (name, leaf, value)
        place = classes[name].from_buffer_copy(bytes.fromhex(line))
        assert value_of(place, leaf.way) == value, (name, leaf)


class Expressions:
    """Some with doubles; those without casts to integers, which C leaves open out of range."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.has_doubles = self.random.randrange(4) == 0
        self.names = ["'a'", "GREEN"] + (["1.5", "0.25"] if self.has_doubles else [])
        self.casts = ["double"] if self.has_doubles else [*INTEGERS, "_Bool"]

    def number(self) -> str:
        value = self.random.choice([0, 1, 2, 3, 7, 31, 255, 65535, 2**31 - 1, 2**32 - 1, 2**63 - 1])
        suffix = self.random.choice(["", "", "", "u", "l", "ul", "ll", "ULL"])
        return f"{self.random.choice([str, hex])(value)}{suffix}"

    def make(self, depth: int) -> str:
        pick = self.random.choice
        if depth == 0:
            return pick([self.number, self.number, lambda: pick(self.names)])()
        one, two, three = (self.make(depth - 1) for _ in range(3))
        return pick([
            f"({one} {pick('+-*/%&|^')} {two})",
            f"({one} {pick(['<<', '>>'])} {pick([0, 1, 5, 31])})",
            f"({one} {pick(['<', '>', '<=', '>=', '==', '!=', '&&', '||'])} {two})",
            f"({one} ? {two} : {three})",
            f"({pick('-+~!')}{one})",
            f"(({pick(self.casts)}){one})",
            f"(sizeof({pick(SCALARS)}) + {one})",
        ])  # fmt: skip


SHOW = r"""
#include <stdio.h>
#define SHOW(x) _Generic((x), float: show_float, double: show_float, \
    unsigned long: show_unsigned, unsigned long long: show_unsigned, default: show_signed)(x)
static void show_float(double x) { printf("%a\n", x); }
static void show_unsigned(unsigned long long x) { printf("%llu\n", x); }
static void show_signed(long long x) { printf("%lld\n", x); }
"""


def test_constant_expressions_have_the_values_that_gcc_gives_them(compile_c, run, tmp_path):
    expressions = [Expressions(i).make(i % 4) for i in range(COUNT)]
    text = START + "".join(f"#define C{i} {text}\n" for i, text in enumerate(expressions))
    # What gcc warns of has no value in C, or is none: an overflow, a float that is shifted.
    main = "".join(f'\n#line {i} "expressions"\n    SHOW(C{i});' for i in range(COUNT))
    (tmp_path / "all.c").write_text(f"{text}{SHOW}int main(void) {{{main}\n}}\n")
    warned = run(
        "gcc",
        "-fsyntax-only",
        "-O2",
        "-Wall",
        "-Wextra",
        "-Wno-parentheses",
        tmp_path / "all.c",
        status=None,
    )
    bad = {int(number) for number in re.findall(r"expressions:(\d+):", warned.stderr)}
    good = [i for i in range(COUNT) if i not in bad]
    assert len(good) > COUNT / 4
    main = "".join(f"    SHOW(C{i});\n" for i in good)
    wanted = run(compile_c(f"{text}{SHOW}int main(void) {{\n{main}}}\n", "-w")).stdout.splitlines()
    header = epy.header(text)
    read = 0
    for i, line in zip(good, wanted, strict=True):
        try:
            value = getattr(header, f"C{i}")
        except epy.HeaderNameError:
            continue  # it says why
        read += 1
        shown = value.hex() if isinstance(value, float) else str(int(value))
        same = float.fromhex(line) == value if "x" in line else line == shown
        assert same, (expressions[i], shown, line)
    assert read > len(good) / 2
