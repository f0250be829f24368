"""Error values in a plugin's file: the host has them, with all that they lead to, before Python."""

from __future__ import annotations

from typing import Any

import pytest

SCRIPT = """
import ctypes, epy
from ctypes import *

class Large(Structure):
    _fields_ = [("numbers", c_double * 5), ("text", c_char_p)]

class Small(Structure):
    _fields_ = [("number", c_int), ("text", c_char_p)]

class Mixed(Structure):
    _fields_ = [("real", c_double), ("text", c_char_p)]

class Nested(Structure):
    _fields_ = [("before", c_int), ("small", Small), ("texts", c_char_p * 3), ("wide", c_wchar_p),
                ("next", POINTER(Small)), ("call", CFUNCTYPE(c_int, c_int)),
                ("data", POINTER(c_int))]

class Either(Union):
    _fields_ = [("text", c_char_p), ("number", c_long)]

lib = epy.header('''
struct port { int number; const char *name; };
struct entry { int count; const char *const *names; struct port *ports; struct port own;
               char id[4]; double gain; };
struct entry header_struct(int n);
struct entry header_tuple(int n);
const struct entry *header_pointer(int n);
struct port header_small(int n);
const char *header_text(int n);
''')

number = epy.export_data("number", c_int(1234))

@epy.export
def plus(n: c_int) -> c_int:
    return n + 1

@epy.export(error=Large((1, 2, 3, 4, 5), b"large"))
def large(n: c_int) -> Large: ...

@epy.export(error=Small(7, b"small"))
def small(n: c_int) -> Small: ...

@epy.export(error=Mixed(0.5, b"mixed"))
def mixed(n: c_int) -> Mixed: ...

@epy.export(error=Nested(1, Small(2, b"inner"), (b"one", None, b"three"), "wide \\u20ac",
                         pointer(Small(3, b"next")), plus, pointer(number)))
def nested(n: c_int) -> Nested: ...

@epy.export(error=Either(text=b"either"))
def either(n: c_int) -> Either: ...

@epy.export(error=Either(number=77))
def other(n: c_int) -> Either: ...

@epy.export(error=Small(8, b"pointed"))
def behind(n: c_int) -> POINTER(Small): ...

@epy.export(error=(c_int * 3)(10, 20, 30))
def array(n: c_int) -> POINTER(c_int): ...

@epy.export(error=b"plain")
def text(n: c_int) -> c_char_p: ...

@epy.export(error="utf-8 \\u20ac")
def utf8(n: c_int) -> epy.c_str: ...

@epy.export(error="wide \\u20ac")
def wide(n: c_int) -> c_wchar_p: ...

@epy.export(error=-1)
def constant(n: c_int) -> c_void_p: ...

@epy.export(error=plus)
def function(n: c_int) -> CFUNCTYPE(c_int, c_int): ...

ENTRY = dict(count=2, names=["left", "right"], ports=[(1, "in"), (2, "out")], own=(3, "own"),
             id="abc", gain=0.25)

@lib.export(error=lib.entry(**ENTRY))
def header_struct(n): ...

@lib.export(error=ENTRY)
def header_tuple(n): ...

@lib.export(error=lib.entry(**ENTRY))
def header_pointer(n): ...

@lib.export(error=(5, "header"))
def header_small(n): ...

@lib.export(error="header text")
def header_text(n): ...

@epy.on_load
def bad():
    raise RuntimeError("no start")
"""

HOST = r"""
#include <dlfcn.h>
#include <stdio.h>
#include <wchar.h>
struct large { double numbers[5]; char *text; };
struct small { int number; char *text; };
struct mixed { double real; char *text; };
struct nested { int before; struct small small; char *texts[3]; wchar_t *wide; struct small *next;
                int (*call)(int); int *data; };
union either { char *text; long number; };
struct entry { int count; const char *const *names; struct small *ports; struct small own;
               char id[4]; double gain; };
static void *plugin;
#define CALL(type, name) ((type (*)(int))dlsym(plugin, #name))(1)
static void show(struct entry e) {
    printf("%d %s %s %d %s %d %s %d %s %s %g\n", e.count, e.names[0], e.names[1],
           e.ports[0].number, e.ports[0].text, e.ports[1].number, e.ports[1].text, e.own.number,
           e.own.text, e.id, e.gain);
}
int main(void) {
    plugin = dlopen("./plugin.so", RTLD_NOW);
    struct large large = CALL(struct large, large);
    printf("%g %g %s\n", large.numbers[0], large.numbers[4], large.text);
    struct small small = CALL(struct small, small);
    printf("%d %s\n", small.number, small.text);
    struct mixed mixed = CALL(struct mixed, mixed);
    printf("%g %s\n", mixed.real, mixed.text);
    struct nested n = CALL(struct nested, nested);
    printf("%d %d %s %s %d %s %d %d %s %d %d\n", n.before, n.small.number, n.small.text, n.texts[0],
           n.texts[1] == NULL, n.texts[2], wcscmp(n.wide, L"wide \u20ac"), n.next->number,
           n.next->text, n.call == (int (*)(int))dlsym(plugin, "plus"),
           n.data == (int *)dlsym(plugin, "number"));
    printf("%s ", CALL(union either, either).text);
    printf("%ld ", CALL(union either, other).number);
    printf("%d %s ", CALL(struct small *, behind)->number, CALL(struct small *, behind)->text);
    printf("%d %d\n", CALL(int *, array)[0], CALL(int *, array)[2]);
    printf("%s %s %d ", CALL(char *, text), CALL(char *, utf8),
           wcscmp(CALL(wchar_t *, wide), L"wide \u20ac"));
    printf("%p %d\n", CALL(void *, constant), CALL(void *, function) == dlsym(plugin, "plus"));
    show(CALL(struct entry, header_struct));
    show(CALL(struct entry, header_tuple));
    show(*CALL(struct entry *, header_pointer));
    small = CALL(struct small, header_small);
    printf("%d %s %s\n", small.number, small.text, CALL(char *, header_text));
}
"""


@pytest.mark.once("addresses of dropped callbacks, 4,096 of them, keep their error values")
def test_they_arrive_whole_while_the_plugin_has_not_started(
    build_plugin: Any, compile_c: Any, run: Any
) -> None:
    build_plugin(SCRIPT)
    result = run(compile_c(HOST, "-w", "-finput-charset=utf-8"))
    entry = "2 left right 1 in 2 out 3 own abc 0.25"
    assert result.stdout.splitlines() == [
        "1 5 large",
        "7 small",
        "0.5 mixed",
        "1 2 inner one 1 three 0 3 next 1 1",
        "either 77 8 pointed 10 30",
        "plain utf-8 € 0 0xffffffffffffffff 1",
        entry,
        entry,
        entry,
        "5 header header text",
    ]


PREFIX = """
import epy
from ctypes import *
class S(Structure):
    _fields_ = [("numbers", c_long * 3), ("place", POINTER(c_char)), ("call", CFUNCTYPE(c_int))]
text = create_string_buffer(b"text")
stray = cast(addressof(text), POINTER(c_char))
@epy.callback(CFUNCTYPE(c_int))
def hidden(): return 1
"""


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        (
            "@epy.export(error=S(place=stray))\ndef f(n: c_int) -> S: ...",
            "error= of export 'f': S.place points to memory that the value does not keep alive: "
            "assign the ctypes object or bytes itself, not an address",
        ),
        (
            "@epy.export(error=S(call=hidden))\ndef f(n: c_int) -> S: ...",
            "error= of export 'f': it points to a function that is no export: export it",
        ),
        (
            "@epy.export(error=hidden)\ndef f(n: c_int) -> CFUNCTYPE(c_int): ...",
            "error= of export 'f': it points to a function that is no export: export it",
        ),
        (
            "@epy.export(error=[])\ndef f(n: c_int) -> py_object: ...",
            "error= of export 'f': a Python object cannot be stored in the plugin: "
            "leave it out, for NULL",
        ),
    ],
)
def test_what_no_file_can_hold_is_refused_at_build(
    definition: str, message: str, tmp_path: Any, mistake: Any
) -> None:
    (tmp_path / "script.py").write_text(f"{PREFIX}\n{definition}\n")
    assert mistake("build", tmp_path / "script.py").endswith(message)
