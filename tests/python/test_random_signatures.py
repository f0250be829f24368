"""Random signatures: C compilers pass and return what Python sees and gives.

hypothesis makes up functions of up to 12 parameters, with structs and unions three deep. For each
batch of them a host in C calls every function of a plugin. The plugin compares what arrives with
the bytes that the host was compiled with, the host compares the results; every third function
raises, and returns its error value instead. EPY_SIGNATURES says how many to try (300):

    EPY_SIGNATURES=10000 pytest -q tests/python/test_random_signatures.py

Long because it has to say in C and in Python what it has made up.
"""

from __future__ import annotations

import ctypes
import os
import random
from typing import Any, NamedTuple

import hypothesis
import pytest
from hypothesis import strategies as st

import epy

COUNT = int(os.environ.get("EPY_SIGNATURES", "300"))
BATCH = 500  # a plugin has room for 1,024
SCALARS = {
    "_Bool": "c_bool",
    "char": "c_char",
    "signed char": "c_byte",
    "unsigned char": "c_ubyte",
    "short": "c_short",
    "unsigned short": "c_ushort",
    "int": "c_int",
    "unsigned int": "c_uint",
    "long": "c_long",
    "unsigned long": "c_ulong",
    "long long": "c_longlong",
    "unsigned long long": "c_ulonglong",
    "float": "c_float",
    "double": "c_double",
    "long double": "c_longdouble",
    "float _Complex": "c_float_complex",
    "double _Complex": "c_double_complex",
    "wchar_t": "c_wchar",
    "void *": "c_void_p",
}
TEXTS = {"const char *": "c_char_p", "char *": "c_str", "const wchar_t *": "c_wchar_p"}
NAMES: dict[str, Any] = vars(ctypes) | {
    name: getattr(epy, name) for name in ("c_float_complex", "c_double_complex", "c_str")
}


class Member(NamedTuple):
    type: Any  # C's name of a scalar, or an Aggregate
    length: int  # of an array; 0: none
    bits: int  # of a bit-field; 0: none


class Aggregate(NamedTuple):
    kind: str  # struct, union, or packed
    members: tuple[Member, ...]


def members(types: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Member, ...]]:
    length = st.sampled_from([0, 0, 0, 0, 1, 2, 3])
    member = st.builds(Member, types, length, st.just(0))
    return st.lists(member, min_size=1, max_size=4).map(tuple)


def bit_fields() -> st.SearchStrategy[Aggregate]:
    """In structs, of one type each: ctypes lays out others as no C compiler does."""
    widths = st.lists(st.integers(1, 32), min_size=1, max_size=4)
    fields = st.builds(
        lambda name, sizes: tuple(Member(name, 0, size) for size in sizes),
        st.sampled_from(["int", "unsigned int", "unsigned long"]),
        widths,
    )
    return st.builds(Aggregate, st.just("struct"), fields)


def has_bit_fields(kind: Any) -> bool:
    return isinstance(kind, Aggregate) and any(
        member.bits or has_bit_fields(member.type) for member in kind.members
    )


def aggregate(kind: str, parts: tuple[Member, ...]) -> Aggregate:
    """Compilers disagree how packed structs with bit-fields travel: gcc in registers, clang not."""
    made = Aggregate(kind, parts)
    return made._replace(kind="struct") if kind == "packed" and has_bit_fields(made) else made


def aggregates(depth: int) -> st.SearchStrategy[Aggregate]:
    scalars: st.SearchStrategy[Any] = st.sampled_from(list(SCALARS))
    types = scalars if depth == 1 else st.one_of(scalars, scalars, aggregates(depth - 1))
    kinds = st.sampled_from(["struct", "struct", "struct", "union", "packed"])
    return st.one_of(st.builds(aggregate, kinds, members(types)), bit_fields())


values = st.one_of(st.sampled_from([*SCALARS, *TEXTS]), *(aggregates(n) for n in (1, 2, 3)))
signatures = st.tuples(st.one_of(st.none(), values), st.lists(values, max_size=12))


class Source:
    """Types in C and as ctypes, and random values for them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.c: list[str] = []
        self.python: list[str] = []
        self.names: dict[Aggregate, str] = {}
        self.namespace = dict(NAMES)

    def c_name(self, kind: Any) -> str:
        if isinstance(kind, str):
            return kind
        word = "union" if kind.kind == "union" else "struct"
        return f"{word} {self.name(kind)}"

    def python_name(self, kind: Any) -> str:
        if isinstance(kind, str):
            return SCALARS.get(kind) or TEXTS[kind]
        return self.name(kind)

    def name(self, kind: Aggregate) -> str:
        found = self.names.get(kind)
        if found is None:
            inner = [self.declare(member, f"m{i}") for i, member in enumerate(kind.members)]
            found = self.names[kind] = f"t{len(self.names)}"
            packed = "__attribute__((packed)) " if kind.kind == "packed" else ""
            word = "union" if kind.kind == "union" else "struct"
            fields = " ".join(f"{c};" for c, _ in inner)
            base = "Union" if kind.kind == "union" else "Structure"
            source = f"class {found}({base}):\n"
            source += "    _pack_ = 1\n" if packed else ""
            source += f"    _fields_ = [{', '.join(python for _, python in inner)}]\n"
            exec(source, self.namespace)
            size = ctypes.sizeof(self.namespace[found])
            self.c.append(f"{word} {packed}{found} {{ {fields} }};")
            self.c.append(f'_Static_assert(sizeof({word} {found}) == {size}, "");')
            self.python.append(source)
        return found

    def declare(self, member: Member, name: str) -> tuple[str, str]:
        c, python = self.c_name(member.type), self.python_name(member.type)
        if member.bits:
            return f"{c} {name} : {member.bits}", f"('{name}', {python}, {member.bits})"
        if member.length:
            return f"{c} {name}[{member.length}]", f"('{name}', {python} * {member.length})"
        return f"{c} {name}", f"('{name}', {python})"

    def scalar(self, name: str) -> Any:
        """A value that its type holds exactly, and that does not depend on the rest."""
        number = self.random.randrange
        if name == "_Bool":
            return bool(number(2))
        if name == "char":
            return bytes([number(256)])
        if name == "wchar_t":
            return chr(number(0x20, 0xD800))
        if "_Complex" in name:
            return complex(number(-999, 999) / 8, number(-999, 999) / 8)
        if name in ("float", "double", "long double"):
            return number(-99999, 99999) / 16
        if name in TEXTS:
            text = f"text {number(10**6)}"
            return text.encode() if TEXTS[name] == "c_char_p" else text
        size = 8 * ctypes.sizeof(NAMES[SCALARS[name]])
        if name == "void *":
            return number(1, 2**size)
        return number(2**size) if "unsigned" in name else number(2**size) - 2 ** (size - 1)

    def fill(self, kind: Any, memory: bytearray, mask: bytearray, offset: int) -> None:
        """Random bytes for a type at an offset, and which of them are no padding."""
        if isinstance(kind, str):
            ctype = NAMES[SCALARS[kind]]
            value = self.scalar(kind)
            data = bytes(ctype(value))[: 10 if kind == "long double" else None]
            memory[offset : offset + len(data)] = data
            mask[offset : offset + len(data)] = b"\xff" * len(data)
            return
        ctype = self.namespace[self.name(kind)]
        for index, member in enumerate(kind.members):
            field = getattr(ctype, f"m{index}")
            place = offset + field.offset
            if member.bits:
                self.fill_bits(field, member.bits, memory, mask, offset)
                continue
            size = ctypes.sizeof(self.namespace[self.python_name(member.type)])
            for i in range(member.length or 1):
                self.fill(member.type, memory, mask, place + i * size)

    def fill_bits(
        self, field: Any, bits: int, memory: bytearray, mask: bytearray, offset: int
    ) -> None:
        first = 8 * (offset + field.offset) + (field.size & 0xFFFF)
        for bit in range(first, first + bits):
            mask[bit // 8] |= 1 << bit % 8
            memory[bit // 8] ^= self.random.randrange(2) << bit % 8

    def value(self, kind: Any) -> tuple[bytes, bytes]:
        size = ctypes.sizeof(self.namespace[self.python_name(kind)])
        memory, mask = bytearray(size), bytearray(size)
        self.fill(kind, memory, mask, 0)
        return bytes(memory), bytes(mask)


HOST = r"""
#include <complex.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

static int calls;

static int same(const void *value, const char *expected, const char *mask, unsigned long size) {
    for (unsigned long i = 0; i < size; ++i) {
        if ((((const char *)value)[i] ^ expected[i]) & mask[i]) {
            return 0;
        }
    }
    return 1;
}

static void *look_up(void *plugin, const char *name) {
    ++calls;
    return dlsym(plugin, name);
}
"""

PLUGIN = r"""
import epy
import os
from ctypes import *
from epy import c_double_complex, c_float_complex, c_str

class OnPurpose(Exception):
    pass

def complain(report):
    if not isinstance(report.exception, OnPurpose):
        epy.print_report(report)

epy.error_hook = complain

def check(index, names, value, expected):
    if isinstance(expected, tuple):
        data, mask = (int.from_bytes(part, "little") for part in expected)
        value, expected = int.from_bytes(bytes(value), "little") & mask, data & mask
    if type(value) is not type(expected) or value != expected:
        raise AssertionError(f"argument {index} of {names} is {value!r}, not {expected!r}")

def export(name, result, parameters, raises, given, *expected):
    names = result, parameters
    function_type = CFUNCTYPE(result, *parameters)
    if isinstance(given, tuple):
        given = result.from_buffer_copy(given[0])

    @epy.export(function_type, name=name, error=given if raises else None)
    def function(*arguments):
        for index, value in enumerate(arguments):
            check(index, names, value, expected[index])
        if raises:
            raise OnPurpose
        return given
"""


def literal(data: bytes) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in data) + '"'


def text_literal(value: str | bytes, name: str) -> str:
    text = value.decode() if isinstance(value, bytes) else value
    return f'{"L" if "wchar_t" in name else ""}"{text}"'


def write_function(
    source: Source, index: int, raises: bool, result: Any, parameters: list[Any]
) -> str:
    """One function of the plugin (its call of `export`); the host's C goes to the source."""
    body: list[str] = []
    expected: list[str] = []

    def value(kind: Any, name: str) -> tuple[str, str, bytes]:
        """What Python sees, C code that defines it, and which of its bytes are no padding."""
        declared = f"{source.c_name(kind)} {name}"
        if kind in TEXTS:
            made = source.scalar(kind)
            return repr(made), f"{declared} = {text_literal(made, kind)};", b""
        if isinstance(kind, str):
            made = source.scalar(kind)
            data = bytes(NAMES[SCALARS[kind]](made))[: 10 if kind == "long double" else None]
            python, mask = repr(made), b"\xff" * len(data)
        else:
            data, mask = source.value(kind)
            python = repr((data, mask))
        bytes_in_c = literal(data.ljust(16, b"\0"))
        return python, f"{declared}; memcpy(&{name}, {bytes_in_c}, sizeof {name});", mask

    for i, kind in enumerate(parameters):
        python, c, _ = value(kind, f"a{i}")
        expected.append(python)
        body.append(c)
    types = ", ".join(source.c_name(kind) for kind in parameters) or "void"
    result_c = "void" if result is None else source.c_name(result)
    call = f'(({result_c} (*)({types}))look_up(plugin, "f{index}"))'
    call += f"({', '.join(f'a{i}' for i in range(len(parameters)))})"
    given = "None"
    if result is None:
        body.append(f"{call};")
    else:
        given, wanted, mask = value(result, "wanted")
        body += [wanted, f"{result_c} got = {call};"]
        if result in TEXTS:
            compare = "wcscmp" if "wchar_t" in result else "strcmp"
            same = f"{compare}(got, wanted) == 0"
        else:
            padded = literal(mask.ljust(16, b"\0"))
            same = f"same(&got, (const char *)&wanted, {padded}, sizeof got)"
        body.append(f'if (!({same})) {{ puts("f{index}: {result_c} ({types})"); }}')
    source.c.append(f"static void call_{index}(void *plugin) {{ {' '.join(body)} }}")
    result_py = "None" if result is None else source.python_name(result)
    types_py = "".join(f"{source.python_name(kind)}, " for kind in parameters)
    rest = "".join(f", {text}" for text in expected)
    return f"export('f{index}', {result_py}, ({types_py}), {raises}, {given}{rest})"


def write_batch(batch: list[Any], seed: int, starts: bool = True) -> tuple[str, str]:
    """A host in C and a plugin in Python for some signatures."""
    source = Source(seed)
    calls = [
        write_function(source, i, not starts or i % 3 == 2, *signature)
        for i, signature in enumerate(batch)
    ]
    if not starts:
        calls.append("if not epy.building: raise OnPurpose")
    run = "\n".join(f"    call_{i}(plugin);" for i in range(len(batch)))
    main = (
        "int main(int argc, char **argv) {\n"
        "    void *plugin = dlopen(argv[argc - 1], RTLD_NOW);\n"
        f'{run}\n    printf("%d calls\\n", calls);\n}}\n'
    )
    host = "\n".join([HOST, *source.c, main])
    return host, "\n".join([PLUGIN, *source.python, *calls])


def made_up(count: int) -> list[Any]:
    """The same ones each time."""
    found: list[Any] = []

    @hypothesis.settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(signatures)
    def note(signature: Any) -> None:
        found.append(signature)

    note()
    return found[:count]


BATCHES = -(-COUNT // BATCH)


@pytest.fixture(scope="module")
def batches() -> list[list[Any]]:
    found = made_up(COUNT)
    assert len(found) == COUNT
    return [found[i : i + BATCH] for i in range(0, COUNT, BATCH)]


@pytest.mark.parametrize("batch", range(BATCHES))
def test_c_compilers_and_python_agree_on_every_signature(
    batches, build_plugin, run, tmp_path, batch
):
    host, script = write_batch(batches[batch], batch)
    (tmp_path / "host.c").write_text(host)
    plugin = build_plugin(script)
    for compiler in ("gcc", "clang"):
        program = tmp_path / compiler
        run(compiler, "-w", "-o", program, tmp_path / "host.c", "-ldl")
        result = run(program, plugin)
        assert (result.stdout, result.stderr) == (f"{len(batches[batch])} calls\n", "")


def test_a_plugin_that_does_not_start_returns_every_error_value(
    batches, build_plugin, run, tmp_path
):
    """They are in the file, and returned without Python."""
    host, script = write_batch(batches[0], 0, starts=False)
    (tmp_path / "host.c").write_text(host)
    plugin = build_plugin(script)
    run("gcc", "-w", "-o", tmp_path / "host", tmp_path / "host.c", "-ldl")
    result = run(tmp_path / "host", plugin)
    assert result.stdout == f"{len(batches[0])} calls\n"
    assert result.stderr.count("did not start") == 1
