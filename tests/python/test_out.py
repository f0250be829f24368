"""`epy.out` in a call of the host: what C writes through a pointer is a result of the call."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

import epy

HEADER = """
struct point { int x, y; };
struct opaque;
enum color { RED, GREEN = 5 };
struct api { int (*length)(const char *text, int *length); };
int length(const char *text, int *length);
void two(double *first, struct point *second);
void one(long *only);
int open_it(struct opaque **made);
int close_it(struct opaque *it);
int many(int *items, unsigned long count);
int text(char *buffer, unsigned long size);
int wide(wchar_t *buffer, unsigned long size);
int name(const char **name);
int color(enum color *color);
int points(struct point *items, int count);
int reads(const int *it, int *copy);
int any(void *it);
int by_value(int x, struct point p, int (*back)(int));
int variadic(int *first, ...);
int calls(int (*call)(int *), int *made);
const struct api *api(void);
"""
C = """
#include <string.h>
#include <wchar.h>
%s
struct opaque { int it; } the_one = { 3 };
int length(const char *text, int *length) { *length = strlen(text); return 7; }
void two(double *first, struct point *second) { *first = 1.5; second->x = 2; second->y += 3; }
void one(long *only) { *only = -1L << 40; }
int open_it(struct opaque **made) { *made = &the_one; return 0; }
int close_it(struct opaque *it) { return it->it; }
int many(int *items, unsigned long count) { while (count--) items[count] += count; return 1; }
int text(char *buffer, unsigned long size) { strncpy(buffer, "hello", size); return 5; }
int wide(wchar_t *buffer, unsigned long size) { wcsncpy(buffer, L"h\\u00e9", size); return 2; }
int name(const char **name) { *name = "fixed"; return 0; }
int color(enum color *color) { *color = GREEN; return 0; }
int points(struct point *items, int count) { while (count--) items[count].x = count; return 0; }
int reads(const int *it, int *copy) { *copy = *it; return 0; }
int any(void *it) { return it != 0; }
int by_value(int x, struct point p, int (*back)(int)) { return x + p.x + back(1); }
int variadic(int *first, ...) { *first = 9; return 0; }
int calls(int (*call)(int *), int *made) { *made = 4; return call(made); }
static const struct api the_api = { length };
const struct api *api(void) { return &the_api; }
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Any:
    import subprocess

    folder: Path = tmp_path_factory.mktemp("host")
    (folder / "host.c").write_text(C % HEADER)
    command = ["cc", "-shared", "-fPIC", "-o", "libhost.so", "host.c"]
    subprocess.run(command, cwd=folder, check=True)
    return epy.header(HEADER, library=folder / "libhost.so")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda h: h.length("four", epy.out), (7, 4)),
        (lambda h: h.one(epy.out), -1 << 40),
        (lambda h: h.many(epy.out[3], 3), (1, [0, 1, 2])),
        (lambda h: h.text(epy.out[16], 16), (5, b"hello")),
        (lambda h: h.text(epy.out[2], 2), (5, b"he")),
        (lambda h: h.wide(epy.out[8], 8), (2, "h\u00e9")),
        (lambda h: h.name(epy.out), (0, b"fixed")),
        (lambda h: h.reads([5], epy.out), (0, 5)),
        (lambda h: h.variadic(epy.out, 1, 2), (0, 9)),
        (lambda h: h.api().contents.length("xy", epy.out), (7, 2)),
        (lambda h: epy.call(h.length, "abc", epy.out), (7, 3)),
    ],
)
def test_what_c_writes_is_beside_the_result(host, call, expected) -> None:
    assert call(host) == expected
    assert call(host) == expected


def test_structs_pointers_and_enums(host) -> None:
    first, point = host.two(epy.out, epy.out)
    assert (first, point.x, point.y) == (1.5, 2, 3)
    assert isinstance(point, host.struct.point)
    status, made = host.open_it(epy.out)
    assert (status, host.close_it(made)) == (0, 3)
    assert host.color(epy.out)[1] is host.enum.color.GREEN
    _, points = host.points(epy.out[3], 3)
    gc.collect()
    assert [it.x for it in points] == [0, 1, 2]


def test_an_exception_of_a_callback_below_is_raised(host) -> None:
    def fail(made):
        raise KeyError(made[0])

    with pytest.raises(KeyError, match="4"):
        host.calls(fail, epy.out)
    assert host.calls(lambda made: made[0] + 1, epy.out) == (5, 4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda h: h.length(epy.out, epy.out),
            r"length: argument 1 is a pointer to const, `char \*`: C reads it, no epy.out",
        ),
        (lambda h: h.reads(epy.out[2], epy.out), "reads: argument 1 is a pointer to const, `int"),
        (lambda h: h.by_value(epy.out, (1, 2), abs), "by_value: argument 1 is `int`, no pointer"),
        (lambda h: h.by_value(1, epy.out, abs), "argument 2 is `struct point`, no pointer to what"),
        (
            lambda h: h.by_value(1, (1, 2), epy.out),
            r"argument 3 is `int \(\*\)\(int\)`, no pointer",
        ),
        (
            lambda h: h.any(epy.out),
            r"any: argument 1 is `void \*`, which says no type: pass memory",
        ),
        (
            lambda h: h.text(epy.out, 1),
            r"text: argument 1 is `char \*`: epy.out\[SIZE\] gives it a",
        ),
        (
            lambda h: h.close_it(epy.out),
            "close_it: argument 1 is .*opaque .*, of which none can be",
        ),
        (lambda h: h.variadic([1], epy.out), r"variadic: argument 2 is one of `...`, whose type"),
        (lambda h: h.many(epy.out[0], 0), r"epy.out\[0\]: give the number of items"),
        (lambda h: h.many(epy.out[1], -1), "many: argument 2 is `unsigned long`: -1 does not fit"),
        (lambda h: h.many(epy.out), "many takes 2 arguments, 1 given"),
    ],
)
def test_what_cannot_be_is_told(host, call, message) -> None:
    with pytest.raises(epy.ArgumentError, match=message) as raised:
        call(host)
    assert "\n" not in str(raised.value)


def test_nothing_is_left(host) -> None:
    import sys

    def blocks() -> int:
        gc.collect()
        return sys.getallocatedblocks()

    def calls() -> None:
        for _ in range(1000):
            host.two(epy.out, epy.out)
            host.many(epy.out[9], 9)
            host.open_it(epy.out)

    calls()
    before = blocks()
    calls()
    assert blocks() - before < 500  # not one for each call


def test_in_a_plugin(build_plugin, compile_c, run) -> None:
    plugin = build_plugin(
        "import epy\n"
        "host = epy.header('int fill(const int *from, int *to); int f(void);')\n"
        "@host.export\n"
        "def f():\n"
        "    try:\n"
        "        host.fill(epy.out, [1])\n"
        "    except epy.ArgumentError as error:\n"
        "        print(error, flush=True)\n"
        "    return host.fill([20], epy.out)[1] + 1\n"
    )
    program = compile_c(
        "#include <dlfcn.h>\n#include <stdio.h>\n"
        "int fill(const int *from, int *to) { *to = *from * 2; return 0; }\n"
        "int main(int n, char **v) { void *p = dlopen(v[1], RTLD_NOW);\n"
        'printf("%d\\n", ((int (*)(void))dlsym(p, "f"))()); return 0; }',
        "-rdynamic",
        "-ldl",
    )
    assert run(program, plugin).stdout == (
        "fill: argument 1 is a pointer to const, `int *`: C reads it, no epy.out\n41\n"
    )


def test_how_it_is_shown() -> None:
    assert (repr(epy.out), repr(epy.out[8])) == ("epy.out", "epy.out[8]")
