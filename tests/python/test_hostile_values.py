"""Wrong values to every entry of `_core`: an exception, never a crash or an assertion.

A process of its own makes objects of every type of `_core`, real ones and some that were never
finished, and calls every function, type and method with values of all kinds, too few and too many
of them. EPY_HOSTILE_CALLS says how many calls (20,000):

    EPY_HOSTILE_CALLS=2000000 pytest -q tests/python/test_hostile_values.py
"""

from __future__ import annotations

import os
import sys

import pytest

CALLS = int(os.environ.get("EPY_HOSTILE_CALLS", "20000"))

PRELUDE = """
import ctypes, faulthandler, random, sys
faulthandler.enable()
faulthandler.dump_traceback_later(100, exit=True)
import epy
from epy import _core, _header, _script
from epy._command.building import Building
_core.prepare_headers()

class Hostile:
    # Each of Python's protocols raises, lies, or changes what is being looked at.
    def __init__(self, dice): self.dice = dice
    def _any(self): return self.dice.choice([-1, 0, 1, 2**31, 2**63, 2**70])
    def __index__(self): return self._any()
    def __int__(self): return self._any()
    def __float__(self): return float("nan")
    def __len__(self): return self.dice.choice([0, 1, 3, 2**40])
    def __getitem__(self, index): raise IndexError(index)
    def __iter__(self): return iter([self] * self.dice.choice([0, 1, 5]))
    def __eq__(self, other): raise ZeroDivisionError
    def __hash__(self): return 1
    def __bool__(self): raise ZeroDivisionError
    def __call__(self, *arguments, **named): return self.dice.choice([None, self, 5, "x", ()])
    def __repr__(self): raise ZeroDivisionError

class Int(int):
    def __index__(self): raise ZeroDivisionError
    def __eq__(self, other): raise ZeroDivisionError
    __hash__ = int.__hash__

class Str(str):
    def __eq__(self, other): raise ZeroDivisionError
    def __hash__(self): raise ZeroDivisionError

class Tuple(tuple):
    def __len__(self): return 2**40
    def __getitem__(self, index): raise ZeroDivisionError
    def __iter__(self): raise ZeroDivisionError

class Struct(ctypes.Structure):
    _fields_ = [("x", ctypes.c_int), ("y", ctypes.c_double)]

class Handle(epy.Object): pass

def make_values(dice, header):
    hostile = Hostile(dice)
    nested = []
    nested.append(nested)
    deep = "c_int"
    for _ in range(5000):
        deep = ("*", deep)
    pointer = ctypes.pointer(Struct(1, 2))
    values = [
        None, True, 0, 1, -1, 255, 2**31, 2**63 - 1, 2**64, -2**70, 0.5, float("nan"), 1j,
        "", "i", "ii", "v", "P", "z", "@", "{16,8;i0;d8}", "{", "{1,0}", "{8,4;z0", "name", "a\\0b",
        "\\udcff", "x" * 3000, "struct point", "point", "*", "c_int", "int f(int)", b"", b"\\0",
        b"text", b"\\n" * 9, bytearray(b"x" * 16), memoryview(b"abcdef"), (), (None,), (None, None),
        (None, None, None), ("*",), ("",), (5,), ("*", None), ("*", "c_int"), ("*", 5), ("[",),
        ("[", "c_int"), ("[", "c_int", 3), ("[", "c_int", -1), ("[", "c_int", 2**62),
        ("[", "c_int", "x"), ("(",), ("(", None), ("(", "c_int", (), False),
        ("(", "c_int", ("c_int", 5), True), ("(", "c_int", [], 0), ("t", "x"), ("t", "number"),
        ("t", 5), ("struct",), ("struct", "point"), ("struct", 5), ("union", "point"),
        ("enum", "e"), ("enum", None), ("align", "c_int"), ("align", "c_int", 64), ("?",), ("?", 5),
        ("?", "why"), deep,
        [], [1], nested, {}, {"x": 1}, {5: 6}, set(), slice(None), slice(1, 2**70, 0), ...,
        int, str, type, object, Struct, Struct(1, 2), ctypes.c_int, ctypes.c_int(5),
        ctypes.c_char_p, ctypes.c_char_p(b"x"), ctypes.c_void_p, ctypes.c_void_p(0),
        ctypes.POINTER(Struct), pointer, ctypes.POINTER(Struct)(), ctypes.byref(ctypes.c_int()),
        ctypes.c_int * 4, (ctypes.c_int * 4)(), ctypes.CFUNCTYPE(None), ctypes.py_object,
        ctypes.py_object(), ctypes.BigEndianStructure, ctypes.c_int.__ctype_be__, Handle, Handle(),
        epy.Object, epy.c_str, hostile, Hostile, Int(5), Str("i"), Str("name"), Tuple((None,)),
        Tuple(("*", "c_int")), len, lambda *a: None, lambda: 1 / 0, sys, _core, ValueError("x"),
        header, header.point, header.point(1, 2), header.number, header.callback,
    ]
    return values

def header_of(text):
    script = Building("hostile", "/hostile.py")
    outer, _script.registry.building = _script.registry.building, script
    try:
        return epy.header(text)
    finally:
        _script.registry.building = outer

HEADER = '''
struct point { int x; double y; int (*f)(int); struct point *next; char name[8]; };
typedef struct point point;
typedef int number;
typedef int callback(int);
enum e { A, B };
int function(int);
typedef union { int i; double d; } either;
'''
"""

CALL_EVERYTHING = """
def new(cls):
    try:
        return cls.__new__(cls)
    except TypeError:
        return None

def targets(values, header):
    types = [value for value in vars(_core).values() if isinstance(value, type)]
    classes = header._classes
    types += [type(classes), _core.Fields, _core.StoredHeader]
    types += [b for t in (header.point, type(header.point().next)) for b in t.__mro__
              if b.__module__ == "epy._core"]
    callback = _core.Callback(lambda *a: 5, "ii", (None, None), -1, "label")
    objects = [callback, classes, header.point(), header.point().next, header.point.f,
               header.point().name, header.number(3), header.either(),
               _core.TailCall(0, "vi", (None, None), (1,)),
               _core.StoredHeader(b"\\nx\\t0\\t5\\n", b"i\\1\\0\\0\\0")]
    objects += [made for made in map(new, types) if made is not None]
    values += objects
    values += types
    found = [value for name, value in vars(_core).items() if callable(value)]
    found += types
    for item in (*objects, *types):
        cls = item if isinstance(item, type) else type(item)
        ours = [base for base in cls.__mro__ if base.__module__ == "epy._core"]
        names = {name for base in ours for name in vars(base)} - {"contents"}
        if issubclass(cls, ctypes._Pointer):  # whose memory is wherever C says
            names -= {"__getitem__", "__setitem__"}
        for name in sorted(names):
            try:
                attribute = getattr(item, name)
            except BaseException:
                continue
            if callable(attribute):
                found.append(attribute)
    return found, objects

def try_all(seed, count):
    dice = random.Random(seed)
    header = header_of(HEADER)
    values = make_values(dice, header)
    found, objects = targets(values, header)
    raised = 0
    sys.stderr.flush()
    for number in range(count):
        function = dice.choice(found)
        named = {}
        if dice.random() < 0.1:
            named = {dice.choice(["function", "signature", "classes", "error", "label", "plugin",
                                  "find", "types", "kept", "x", "count", "type"]):
                     dice.choice(values)}
        count_of_arguments = dice.choice([0, 1, 1, 1, 2, 2, 2, 3, 4, 5, 6])
        arguments = [dice.choice(values) for _ in range(count_of_arguments)]
        if TRACE:
            print(number, getattr(function, "__qualname__", function), file=sys.stderr, flush=True)
        try:
            function(*arguments, **named)
        except BaseException:
            raised += 1
        if dice.random() < 0.1:
            item = dice.choice(objects)
            name = dice.choice(["x", "f", "next", "name", "zzz", "_objects", "function"])
            try:
                setattr(dice.choice([item, type(item)]), name, dice.choice(values))
            except BaseException:
                raised += 1
        if number % 2000 == 1999:  # what was spoilt is made anew
            header = header_of(HEADER)
            values = make_values(dice, header)
            found, objects = targets(values, header)
    return raised
"""


@pytest.mark.parametrize("seed", range(2))
def test_every_entry_answers_wrong_values_with_exceptions(run, seed):
    program = f"TRACE = False\n{PRELUDE}{CALL_EVERYTHING}\nprint(try_all({seed}, {CALLS // 2}))\n"
    result = run(sys.executable, "-c", program)
    assert int(result.stdout.splitlines()[-1]) > CALLS // 4
