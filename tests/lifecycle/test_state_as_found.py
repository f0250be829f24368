"""Functions of the host's find the interpreter current that its call came with, and its lock.

The call runs in the plugin's interpreter. A plugin in C would have changed nothing: weechat's,
uWSGI's and mod_wsgi's functions go on with the script or application that they had made current.
"""

from __future__ import annotations

import pytest

SCRIPT = r"""
import builtins, ctypes, epy
from ctypes import CFUNCTYPE, c_char, c_double, c_float, c_int, c_long, c_longdouble

builtins.here = "the plugin's"
HEADER = '''
    struct table { int (*held)(struct table *self), (*found)(struct table *self);
                   int (*led)(struct table *self); };
    struct wide { long values[5]; };
    int host_found(void), host_led(void), host_run(const char *code), host_raise(const char *type);
    int host_apply(int (*function)(int), int number), host_apply_kept(int number);
    int host_do(const char *commands);
    struct table *host_table(void);
    long double host_wide(int, long, int, int, char, int, int, double, struct wide, float,
                          long double);
'''
host = epy.header(HEADER)
TYPES = (c_int, c_long, c_int, c_int, c_char, c_int, c_int, c_double, host.wide, c_float,
         c_longdouble)
script_s = epy.header(
    "int host_where(void); void *PyGILState_GetThisThreadState(void), *PyThreadState_Get(void);",
    library=ctypes.PyDLL(None),
)
process = ctypes.CDLL(None)

def by_header(): return host.host_found()
def by_pointer(): return host.host_table()[0].found(host.host_table())
def by_call(): return epy.call(process.host_found)
def by_methods(): return epy.methods(host.host_table()).found()
def by_pydll(): return script_s.host_where()

@epy.export(error=-9)
def ways() -> c_int:
    print(*(one() for one in (by_header, by_pointer, by_call, by_methods, by_pydll)), flush=True)
    return 0

@epy.export(error=-9)
def led() -> c_int:
    table = host.host_table()
    print(host.host_led(), table[0].led(table), epy.call(process.host_led),
          epy.methods(table).led(), flush=True)
    return 0

@epy.export(error=-9)
def led_again() -> c_int:
    '''Behind a function of the host's; callbacks that ctypes makes go where it leads.'''
    assert host.host_found() >= 0
    return script_s.PyGILState_GetThisThreadState() == script_s.PyThreadState_Get()

@epy.export(error=-9)
def arguments() -> c_int:
    wide = host.wide((10, 0, 0, 0, 20))
    given = 1, 2, 3, 4, b"\5", 6, 7, 8.0, wide, 0.5, 0.25
    by_hand = process.host_wide
    by_hand.restype, by_hand.argtypes = c_longdouble, TYPES
    assert host.host_wide(*given) == epy.call(by_hand, *given)
    return int(4 * host.host_wide(*given))

@epy.export(error=-9)
def run() -> c_int:
    host.host_run(b"print(globals().get('name', 'no name'), flush=True)")
    return 0

@epy.callback("int f(int)", error=-7)
def answer(number):
    assert here == "the plugin's"
    return 1 // number * 0 + 10 * host.host_found() + number

@epy.export(error=-9)
def below() -> c_int:
    assert host.host_apply(lambda n: n + 1, 1) == 2
    try:
        host.host_apply(answer, 0)
    except ZeroDivisionError as error:
        assert error.epy_result == -7
        return host.host_apply(answer, 4)
    return -8

@epy.export(error=-9)
def raises() -> c_int:
    try:
        epy.call(process.host_raise, b"LookupError")
    except LookupError as error:
        print(*error.args, flush=True)
        return 5
    return -8

class Number:
    def __init__(self, value): self.value = value

    @property
    def _as_parameter_(self):
        return self.value + host.host_found()

@epy.export(error=-9)
def converted() -> c_int:
    '''A call of the host's while an argument of another is being made.'''
    apply = process.host_apply
    number = epy.call(apply, answer, Number(2))
    try:
        epy.call(apply, answer, object())
    except ctypes.ArgumentError:
        return number + 100 * host.host_found()
    return -8

@epy.export(error=-9)
def checked() -> c_int:
    kept = []

    def errcheck(result, function, arguments):
        kept.append(function)
        return result

    found = CFUNCTYPE(c_int)(("host_where", process))
    found.errcheck = errcheck
    return epy.call(found) * 10 + kept[0]()

@epy.export(error=-9)
def deep(depth: c_int) -> c_int:
    '''Through Python of the host's, which is in its own interpreter, and the plugin again.'''
    code = f"import ctypes; assert ctypes.PyDLL('./plugin.so').deep({depth - 1}) == {depth - 1}"
    assert depth == 0 or host.host_run(code.encode()) == 0
    return depth

@epy.export(error=-9)
def ends_it() -> c_int:
    return host.host_do(b"end sub; swap main")

DELETE = b"acquire a; delete a"

@epy.export(error=-9)
def deletes_it() -> c_int:
    return host.host_do(DELETE)

@epy.export(error=-9)
def deletes_it_by_call() -> c_int:
    return epy.call(process.host_do, DELETE)

@epy.export(error=-9)
def through_kept(number: c_int) -> c_int:
    return host.host_apply_kept(number)
"""
IN_SUB = "1 1 1 1 0"
IN_MAIN = "0 0 0 0 0"
WAYS = {
    "each way": ("call ways | swap main | call ways", f"{IN_SUB} 0 {IN_MAIN} 0"),
    "and PyGILState_Ensure leads to the plugin's again": (
        "save | thread state a sub; acquire a; call led_again; delete a | restore",
        "1",
    ),
    "arguments and results of each kind": (
        "call arguments | swap main | call arguments",
        "4267 267",
    ),
    "Python of the host's": (
        "run name = 'sub' | call run | swap main | call run",
        "sub 0 no name 0",
    ),
    "callbacks, and what they raise": ("call below | swap main | call below", "14 4"),
    "an exception of the host's": ("call raises | swap main | call raises", "in 1 5 in 0 5"),
    "while an argument is converted": ("call converted | swap main | call converted", "113 2"),
    "what an errcheck keeps": ("call checked | swap main | call checked", "10 0"),
    "one in the other": ("call deep 3 | current sub | swap main | call deep 2", "3 current 2"),
    "states of threads": (
        "save | thread state a sub; state b main; acquire a; call ways; current a; leave a; "
        "acquire b; call ways; delete b; acquire a; call ways; delete a | restore",
        "2 2 2 2 -1 0 current 3 3 3 3 3 0 2 2 2 2 -1 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_functions_of_the_host_find_its_interpreter(build_for, host, kind, way):
    commands, answers = WAYS[way]
    build_for(SCRIPT)
    words = host(
        f"initialize | open ./plugin.so | keep main | {kind} sub | {commands} | swap sub | "
        "end sub | swap main | finalize"
    )
    assert words == [*answers.split(), "finalized:", "0"]


def test_a_function_of_the_host_may_end_its_interpreter(build_for, host, kind):
    build_for(SCRIPT)
    words = host(
        f"initialize | open ./plugin.so | keep main | {kind} sub | call ends_it | current main | "
        f"ensure | current main | release | {kind} sub | call ways | call ends_it | finalize"
    )
    assert words == ["0", "current", "current", *IN_SUB.split(), "0", "0", "finalized:", "0"]


def test_functions_of_the_host_find_what_ensure_leads_to(build_for, host, python, kind):
    """In calls that come without the lock: the thread's first state, from 3.12 on its last."""
    build_for(SCRIPT)
    words = host(
        f"initialize | open ./plugin.so | keep main | {kind} sub | save | thread state a sub; "
        "acquire a; leave a; call led; ensure; current a; release; acquire a; delete a | "
        "call led | restore | end sub | swap main | finalize"
    )
    main = "1 1 1 1 0" if python.version >= (3, 12) else "0 0 0 0 0"
    assert words == [*f"2 2 2 2 0 current {main}".split(), "finalized:", "0"]


@pytest.mark.parametrize("way", ["deletes_it", "deletes_it_by_call"])
def test_a_function_of_the_host_may_delete_what_ensure_leads_to(build_for, host, kind, way):
    """In a call that came without the lock: nothing leads to it afterwards."""
    build_for(SCRIPT)
    words = host(
        "initialize | open ./plugin.so | run name = 'main' | keep main | "
        f"{kind} sub | run name = 'sub' | save | thread state a sub; acquire a; leave a; "
        f"call {way}; ensure; run print(name, flush=True); release; "
        f"state a sub; acquire a; run print(name, flush=True); leave a; call {way}; "
        "call deep 0 | restore | swap sub | end sub | swap main | finalize"
    )
    assert words == ["0", "main", "sub", "0", "0", "finalized:", "0"]
