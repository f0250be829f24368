"""The interpreter lock is left as the host's call found it.

plpython and others never release it, and use Python below the functions that a plugin calls back.
"""

from __future__ import annotations

import pytest

SCRIPT = r"""
import ctypes, epy
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_void_p

host = epy.header('''
    struct table { int (*held)(struct table *self); };
    int host_held(void), host_run(const char *code), host_apply(int (*function)(int), int number);
    struct table *host_table(void);
''')
keeping = epy.header("int host_held(void);", library=ctypes.PyDLL(None))
process = ctypes.CDLL(None)

class Table(Structure):
    pass
Table._fields_ = [("held", CFUNCTYPE(c_int, POINTER(Table)))]

def by_header(): return host.host_held()
def by_pointer(): return host.host_table()[0].held(host.host_table())
def by_call(): return epy.call(process.host_held)
def by_methods(): return epy.methods(host.host_table()).held()
def by_ctypes_methods():
    table = CFUNCTYPE(POINTER(Table))(("host_table", process))()
    return epy.methods(table).held()
def by_pydll(): return keeping.host_held()
def by_cdll(): return process.host_held()

@epy.export(error=-1)
def ways() -> c_int:
    each = by_header, by_pointer, by_call, by_methods, by_ctypes_methods, by_pydll, by_cdll
    print(*("x" if one() else "-" for one in each), sep="", flush=True)
    return 0

@epy.export(error=-1)
def leave() -> c_int:
    return epy.tail_call(process.host_held)

@epy.callback("int nested(int number)", error=-2)
def nested(number):
    return number + (100 if host.host_held() else 0)

@epy.export(error=-1)
def below() -> c_int:
    return epy.call(process.host_apply, nested, 1) + host.host_apply(lambda n: n + 10, 1)

@epy.export(error=-1)
def python(depth: c_int) -> c_int:
    if depth == 0:
        return host.host_held()
    return host.host_run(f"import ctypes; x = ctypes.PyDLL('./plugin.so').python({depth - 1})")

@epy.export(error=-1)
def checked() -> c_int:
    function = CFUNCTYPE(c_int)(("host_held", process))
    function.restype, function.errcheck = c_int, lambda result, function, arguments: result + 40
    return epy.call(function)

@epy.export(error=-1)
def defaults() -> c_int:
    parameters = (1, "number"), (1, "more", 10)
    function = CFUNCTYPE(c_int, c_int, c_int)(("host_held_and", process), parameters)
    return epy.call(function, 1) * 1000 + epy.call(function, 2, 3)

@epy.export(error=-1)
def deep() -> c_int:
    return 0

if not epy.building:
    at_start = host.host_held()

@epy.export(error=-1)
def start() -> c_int:
    return at_start
"""
HELD = "xxxxxx-"
FREE = "-----x-"
WAYS = {
    "held": ("call ways | call ways", f"{HELD} 0 {HELD} 0"),
    "free": ("save | call ways | call ways | restore", f"{FREE} 0 {FREE} 0"),
    "one after the other": (
        "call ways | save | call ways | restore | call ways",
        f"{HELD} 0 {FREE} 0 {HELD} 0",
    ),
    "a new thread": (
        "save | thread call ways; ensure; call ways; release | restore",
        f"{FREE} 0 {HELD} 0",
    ),
    "left for a function": ("call leave | save | call leave | restore", "1 0"),
    "callbacks below": ("call below | save | call below | restore", "112 12"),
    "Python below": ("call python 3", "0"),
    "an errcheck": ("call checked | save | call checked | restore", "41 40"),
    "parameters with defaults": (
        "call defaults | save | call defaults | restore",
        "111105 11005",
    ),
    "the start, held": ("call start", "1"),
    "the start, free": ("save | call start | restore", "0"),
}


@pytest.mark.parametrize("way", WAYS)
def test_functions_of_the_host_run_with_the_lock_as_its_call_found_it(build_for, host, way):
    commands, answers = WAYS[way]
    build_for(SCRIPT)
    words = host(f"initialize | open ./plugin.so | {commands} | finalize")
    assert words == [*answers.split(), "finalized:", "0"]
