"""mypy --strict and pyright take scripts as the README writes them, and the stubs of headers."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
from __future__ import annotations

import ctypes
from typing import Annotated

import epy
from epy import c_double, c_int, c_size_t, c_str


@epy.export
def add(a: c_int, b: c_int) -> c_int:
    return a + b


@epy.export
def mean(samples: Annotated[memoryview, epy.Buffer(c_double, "n")], n: c_size_t) -> c_double:
    total: float = sum(samples)
    return total / n


@epy.export(ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int), name="twice", error=-1)
def double_it(x: int) -> int:
    return 2 * x


@epy.export
def shout(text: c_str) -> c_str:
    return text.upper() if text else None


@epy.export
def put(where: epy.Pointer[c_int], value: Annotated[int, ctypes.c_long]) -> None:
    where[0] = value


class Counter(epy.Object):
    def __init__(self, start: int) -> None:
        self.value = start


@epy.export
def counter_new(start: c_int) -> Counter:
    return Counter(start)


@epy.export(error=-1)
def counter_next(counter: Counter) -> c_int:
    counter.value += 1
    return counter.value


@epy.export
def counter_free(counter: epy.Consumed[Counter]) -> None:
    print(counter.value)
"""
HEADER = """
#define ANSWER 42
#define NAME "host"
#define ADD(a, b) ((a) + (b))
struct vector { double x, y; const char *label; struct vector *vector; };
typedef struct { int a; union { long b; float c; }; unsigned bits : 3; } whole;
typedef int (*handler)(struct vector *vector, int count);
struct opaque;
enum color { RED, GREEN };
struct opaque *opaque_new(enum color color, const char *name);
int opaque_size(const struct opaque *it, int *size, handler call);
struct vector *vector(struct vector by_value, long double more, ...);
void class(void);
double lambda;
"""
GOOD = """
import epy
from host import host

status, size = host.opaque_size(host.opaque_new(host.RED, "name"), epy.out, lambda v, n: n)
plain: int = host.opaque_size(None, None, None) + host.ANSWER
text: bytes = host.NAME
vector = host.vector(host.struct.vector(1, 2), 3.5, "more")
vector.x = vector.vector.contents.y
vector.label = "text"
label: str | bytes | None = vector[0].label
made = host.whole(a=1, c=1.5, bits=3)
made.b = 3


@host.export
def opaque_size(it: object, size: object, call: object) -> int:
    return 0
"""
BAD = """
from host import host

host.ANSWR
host.opaque_size(None, 1.5, None)
host.opaque_new("red", "name")
host.whole(d=1)
host.whole(a="1")
host.vector((1, 2), 1, 2).z
host.opaque_size(None)
"""


@pytest.fixture
def mypy(run: Any) -> Any:
    """`mypy(files)`: the lines that it finds fault with."""

    def mypy(*files: str) -> list[str]:
        command = ("-m", "mypy", "--strict", "--no-error-summary", *files)
        found = run(sys.executable, *command, status=None)
        assert found.stderr == ""
        lines = re.findall(r"^(\S+:\d+): error", found.stdout, re.MULTILINE)
        assert bool(lines) == bool(found.returncode), found.stdout
        return sorted(set(lines))

    return mypy


@pytest.fixture
def pyright(run: Any, tmp_path: Path) -> Any:
    """The same, by pyright."""
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "standard"}')

    def pyright(*files: str) -> list[str]:
        command = ("-m", "basedpyright", "--outputjson", *files)
        found = json.loads(run(sys.executable, *command, status=None).stdout)
        return sorted(
            {
                f"{Path(it['file']).name}:{it['range']['start']['line'] + 1}"
                for it in found["generalDiagnostics"]
                if it["severity"] == "error"
            }
        )

    return pyright


@pytest.fixture
def stub(epy: Any, tmp_path: Path) -> str:
    """Of a header, beside the module that has it."""
    (tmp_path / "host.h").write_text(HEADER)
    (tmp_path / "host.py").write_text('import epy\n\nhost = epy.header("host.h")\n')
    epy("inspect", "--header", "host.h", "--pyi", "-o", "host.pyi")
    return (tmp_path / "host.pyi").read_text()


def test_annotations(epy, mypy, pyright, tmp_path) -> None:
    (tmp_path / "plugin.py").write_text(SCRIPT)
    assert mypy("plugin.py") == []
    assert pyright("plugin.py") == []
    (tmp_path / "bad.py").write_text(
        "import epy\nfrom epy import c_int\n\n@epy.export\ndef f(a: c_int) -> c_int:\n"
        "    return a.upper()\n"
    )
    assert mypy("bad.py") == pyright("bad.py") == ["bad.py:6"]
    epy("build", "plugin.py")
    assert epy("call", "./plugin.so", "add", "2", "3").stdout == "5\n"
    shown = epy("inspect", "plugin.so").stdout
    for line in (
        "double mean(double *samples, unsigned long n)",
        "void put(int *where, long value)",
        "char *shout(char *text)",
        "void counter_free(Counter counter)",
    ):
        assert line in shown


def test_a_stub_of_a_header(stub, mypy, pyright, tmp_path) -> None:
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "bad.py").write_text(BAD)
    assert mypy("good.py", "host.pyi") == []
    assert pyright("good.py", "host.pyi") == []
    expected = [f"bad.py:{line}" for line in (10, 4, 5, 6, 7, 8, 9)]
    assert mypy("bad.py") == expected
    assert pyright("bad.py") == expected


def test_what_a_stub_has(stub, epy) -> None:
    for line in (
        "    ANSWER: Final = 42",
        "    NAME: Final = b'host'",
        "    def ADD(self, a: Any, b: Any) -> Any: ...",
        "    def opaque_new(self, a1: int, a2: Text, /) -> Any: ...",
        "class vector(Record):",
        "    a: int",
        "    handler: Any",
        "    whole: type[_whole]",
    ):
        assert line in stub.splitlines()
    assert "lambda" not in stub
    assert stub == epy("inspect", "--header", "host.h", "--pyi").stdout


def test_a_stub_of_a_name_that_is_none_is_one_line(mistake, stub) -> None:
    told = mistake("inspect", "--header", "host.h", "--pyi", "-o", "my-host.pyi")
    assert told == "my-host.pyi: no module of that name: name the stub with -o, as in -o host.pyi"
    assert "no/host.pyi: No such file" in mistake(
        "inspect", "--header", "host.h", "--pyi", "-o", "no/host.pyi"
    )


WORDS = """
struct Any { int self, values; struct Any *next; };
struct pair { int x; };
struct words { long bytes; const char *name; struct pair dict, tuple; const int *str; void *Any; };
int property(int *value, struct Any any);
int Address(void);
int overload(char *type);
enum { Final = 1 };
"""
OF_WORDS = """
import epy
from host import host

host.Any(1, self=2, values=3).next = host.Any()
words = host.words(dict=(1,), bytes=host.Final)
words.name = words.name or b"none"
words.tuple = words.dict
count, value = host.property(epy.out, host.Any())
"""


def test_names_of_a_header_may_be_those_that_its_stub_uses(epy, mypy, pyright, tmp_path) -> None:
    (tmp_path / "host.h").write_text(WORDS)
    (tmp_path / "host.py").write_text('import epy\n\nhost = epy.header("host.h")\n')
    (tmp_path / "words.py").write_text(OF_WORDS)
    epy("inspect", "--header", "host.h", "--pyi", "-o", "host.pyi")
    assert mypy("words.py", "host.pyi") == []
    assert pyright("words.py", "host.pyi") == []


@pytest.mark.parametrize("header", ["sqlite3.h", "fuse3/fuse_lowlevel.h"])
def test_stubs_of_real_headers(epy, mypy, header, tmp_path) -> None:
    epy(
        "inspect",
        "--header",
        header,
        "--pyi",
        "-o",
        "host.pyi",
        "-DFUSE_USE_VERSION=31",
        "--pkg",
        "fuse3",
    )
    assert mypy("host.pyi") == []
