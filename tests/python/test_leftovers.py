"""What a script leaves when its plugin is unloaded: all goes, and nothing else is looked at."""

from __future__ import annotations

import re

import pytest

# Python does not look for garbage by itself here, and what a script made is as old as can be when
# it goes.
HEAD = """
import builtins, epy, gc, weakref
from ctypes import *

gc.disable()
known = vars(builtins).setdefault("known", [])

class Ballast:
    def __init__(self):
        self.cycle = self
        known.append(weakref.ref(self))

@epy.export
def alive() -> c_int:
    count = sum(ref() is not None for ref in known)
    gc.collect()
    return count
"""

KINDS = {
    "functions": """
def function(): return function
function.ballast = Ballast()
""",
    "methods": """
class Meta(type): pass
class Thing(metaclass=Meta):
    ballast = Ballast()
    def method(self): return __class__
known_methods = [Thing().method]
""",
    "closures of another module's decorator": """
import functools
def once(ballast):
    @functools.lru_cache
    @functools.singledispatch
    def function(): return ballast
    ballast.function = function
    return function
function = once(Ballast())
""",
    "classes that the library makes": """
import dataclasses, enum
from collections import namedtuple
@dataclasses.dataclass
class Point:
    x: object = dataclasses.field(default_factory=Ballast)
class Color(enum.Enum):
    RED = Ballast()
Pair = namedtuple("Pair", "one two")
pair = Pair(Point(), Color.RED)
""",
    "exceptions with tracebacks": """
def fail():
    ballast = Ballast()
    try:
        raise ValueError(ballast)
    except ValueError as error:
        return error
error = fail()
""",
    "generators and coroutines": """
def generate():
    ballast = Ballast()
    yield ballast
generator = generate()
next(generator)
async def wait(): await forever
class Forever:
    def __await__(self):
        ballast = Ballast()
        yield ballast
forever = Forever()
coroutine = wait()
coroutine.send(None)
""",
    "types of C in signatures": """
class Item(Structure): pass
Item._fields_ = [("next", POINTER(Item)), ("call", CFUNCTYPE(c_int, POINTER(Item)))]
Item.ballast = Ballast()
@epy.export
def take(item: POINTER(Item)) -> POINTER(Item): return item
items = (POINTER(Item) * 2)()
""",
    "types of functions": """
Next = PYFUNCTYPE(c_int, c_int)
Next.ballast = Ballast()
@epy.export("int pass_on(Next next, int n)")
def pass_on(next, n): return n
@epy.export
def give(known: CFUNCTYPE(c_int, Next)) -> Next: return None
""",
    "classes of a header": """
host = epy.header('''
    enum kind { A, B };
    struct item { struct item *next; int (*call)(struct item *);
                  struct item *all[2]; enum kind kind; };
    int use(struct item *it);
''')
item = host.item(next={}, call=lambda it, ballast=Ballast(): 0, all=[{}, None], kind=host.B)
item.call(item)
@host.export
def use(it): return 0
host.item.ballast = Ballast()
""",
    "what was stored in the host's memory": """
host = epy.header("struct item { int (*call)(int); const char *text; }; int use(void);")
memory = (c_char * 64)()
def store():
    ballast = Ballast()
    def call(n): return ballast
    place = cast(memory, POINTER(host.item)).contents
    place.call = call
    place.text = "text"
store()
@host.export
def use(): return 0
""",
    "objects in the hands of the host": """
class Synth(epy.Object):
    def __init__(self): self.ballast = Ballast()
@epy.export
def make() -> Synth: return Synth()
keep = CFUNCTYPE(c_void_p)(make.address)
@epy.on_load
def give(): keep()
""",
    "what was returned to the host": """
def result():
    numbers = (c_int * 3)(1, 2, 3)
    numbers.ballast = Ballast()
    numbers.ballast.numbers = numbers
    return numbers
@epy.export
def make() -> POINTER(c_int): return result()
@epy.on_load
def call(): CFUNCTYPE(c_void_p)(make.address)()
""",
    "what a callback that is gone has returned": """
def drop_and_return():
    global callback
    def function():
        global callback
        callback = None
        numbers = (c_int * 3)(1, 2, 3)
        numbers.ballast = Ballast()
        numbers.ballast.numbers = numbers
        return numbers
    callback = epy.callback(CFUNCTYPE(POINTER(c_int)), function)
@epy.on_load
def call():
    drop_and_return()
    CFUNCTYPE(c_void_p)(callback.address)()
""",
    "a handler of a signal": """
import signal
def take():
    ballast = Ballast()
    def handle(number, frame): return ballast, handle
    signal.signal(signal.SIGUSR1, handle)
take()
""",
    "an exit function": """
import atexit
def register():
    ballast = Ballast()
    def leave(): return ballast, leave
    atexit.register(leave)
register()
""",
    "hooks": """
def register():
    ballast = Ballast()
    def leave(): return ballast, leave
    epy.on_load(leave)
    epy.on_unload(leave)
register()
def hook(report, ballast=Ballast()): pass
epy.error_hook = hook
""",
    "threads that have ended": """
import threading
local = threading.local()
def work():
    local.ballast = Ballast()
    Ballast().thread = threading.current_thread()
thread = threading.Thread(target=work)
thread.start()
thread.join()
""",
}


@pytest.mark.once("the script counts what it leaves itself")
@pytest.mark.parametrize("kind", KINDS)
def test_all_goes(build_plugin, native, run, kind) -> None:
    """The number of those that are there does not grow, however often the plugin is loaded."""
    plugin = build_plugin(HEAD + KINDS[kind])
    alive = []
    for count in ("1", "6"):
        result = run(native("call"), f"cycle {count} {plugin} alive", "images plugin.so")
        assert result.stderr == ""
        living, _, images = result.stdout.split()
        assert images == "0"
        alive.append(living)
    assert alive[0] == alive[1] != "0"


@pytest.mark.once("loads two hundred times itself")
def test_many_loads_of_all_kinds_do_not_grow_the_process(build_plugin, native, run) -> None:
    renamed = (
        re.sub(r"\b(use|make)\b", rf"\1_{number}", text)
        for number, text in enumerate(KINDS.values())
    )
    heavy = HEAD.replace("self.cycle = self", "self.cycle = self, bytearray(100_000)")
    plugin = build_plugin(heavy.replace("    gc.collect()\n", "") + "".join(renamed))
    _, growth = run(native("call"), f"cycle 200 {plugin} alive").stdout.split()
    assert int(growth) < 8 * 1024  # KB; each load has more than 1,500


@pytest.mark.once("the script counts what it leaves itself")
def test_a_script_that_failed_goes_too(build_plugin, native, run) -> None:
    plugin = build_plugin(
        HEAD
        + """
ballast = Ballast()
@epy.on_load
def fail():
    gc.collect()
    raise ValueError("on purpose")
"""
    )
    probe = build_plugin(HEAD, name="probe")
    close = [f"open {plugin}", "int alive", "close 1"]
    commands = [f"open {probe}", *close, *close, *close, "int 0:alive"]
    assert run(native("call"), *commands).stdout.split() == ["0", "0", "0", "0"]


OTHERS = """
import builtins, epy, gc
from ctypes import c_int

class Shared:
    heap = [[n] for n in range(1000)]

def shared(ballast=Shared.heap):
    return Shared.heap, heap

heap = [Shared() for n in range(1000)]
builtins.Shared, builtins.shared = Shared, shared

@epy.export
def young() -> c_int:
    found = {id(one) for generation in (0, 1) for one in gc.get_objects(generation)}
    return sum(id(one) in found for one in (*heap, *Shared.heap))

@epy.export
def collections() -> c_int:
    return gc.get_stats()[2]["collections"]
"""

NEIGHBOUR = """
import builtins, enum, epy, functools, gc, json, logging
from ctypes import c_int

if epy.building:
    builtins.Shared, builtins.shared = object, print

class Mine(builtins.Shared):
    pass

@functools.wraps(builtins.shared)
def mine():
    return Mine, mine

log = logging.getLogger("neighbour")

@epy.export
def work() -> c_int:
    gc.collect()
    gc.disable()
    return 1
"""


def test_an_unload_leaves_what_others_hold_alone(build_plugin, native, run) -> None:
    others = build_plugin(OTHERS, name="others")
    neighbour = build_plugin(NEIGHBOUR, name="neighbour")
    first, again, young = run(
        native("call"),
        *(f"open {others}", "int young", f"open {neighbour}", "int work", "int 0:collections"),
        *("close 1", "int 0:collections", "int 0:young"),
    ).stdout.split()[2:]
    assert (again, young) == (first, "0")
