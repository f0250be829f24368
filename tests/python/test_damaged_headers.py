"""Stored headers that are damaged: an exception, never a crash, whatever a definition says.

A process of its own reads headers of real hosts and one that has something of everything. Then it
exchanges, cuts and changes definitions, and single bytes, and uses what the core makes of them.
EPY_HOSTILE_CALLS says how much (20,000):

    EPY_HOSTILE_CALLS=2000000 pytest -q tests/python/test_damaged_headers.py
"""

from __future__ import annotations

import os
import sys

import pytest

import epy
from epy import _core

CALLS = int(os.environ.get("EPY_HOSTILE_CALLS", "20000"))

EVERYTHING = """
struct empty {};
struct bits {
    unsigned a : 3; int b : 29; unsigned long long c : 40; _Bool d : 1;
    enum letters { X, Y = 7 } e : 4; char last;
};
struct many { struct empty none[4]; int x; };
struct whole {
    int kind; union { int i; double d; struct { char c; short s; }; }; struct bits inner;
};
struct flexible { int count; struct bits items[]; };
struct functions {
    int (*f)(struct whole, struct many *); void (*g)(const char *, ...);
    struct functions *(*h[3])(struct functions *);
};
typedef struct functions functions_t;
typedef int (*handler)(functions_t *, enum letters, long double, double _Complex);
struct packed { char c; int i; } __attribute__((packed));
struct aligned { char c; _Alignas(32) int i; };
union either { struct packed p; struct aligned a; char text[20]; wchar_t wide[3]; };
struct node { struct node *next; struct node *others[2]; handler table[4]; };
int call(struct many, struct bits, union either, functions_t, struct packed);
extern struct whole global;
"""
HEADERS = [
    EVERYTHING,
    "#include <stdio.h>\n#include <sqlite3ext.h>\n",
    "#include <ladspa.h>\n#include <frei0r.h>\n",
    "#define FUSE_USE_VERSION 35\n#include <fuse3/fuse_lowlevel.h>\n",
]

PROGRAM = """
import ctypes, faulthandler, random
faulthandler.enable()
from epy import _core, _script
from epy._command.building import Building
import epy
from epy._file.stored_header import names, pack
_core.prepare_headers()

class Stored:
    # What a plugin stores of a header, by name.
    def __init__(self, text):
        script = Building("damaged", "/damaged.py")
        outer, _script.registry.building = _script.registry.building, script
        try:
            header = epy.header(text)
            self.definitions = dict(header._declarations.names)
            index, data = pack(self.definitions)
            self.names = names(index)
            self.kind_of_classes = type(header._classes)
        finally:
            _script.registry.building = outer

    def classes(self, index, data):
        stored = _core.StoredHeader(index, data)
        return self.kind_of_classes(stored.find, {}, {}, _core.Kept(), "m", False)
"""

AT_RANDOM = """
NUMBERS = [0, 1, -1, 2, 3, 7, 8, 9, 31, 32, 33, 63, 64, 65, 127, 128, 255, 2**16, 2**31 - 1, 2**31,
           2**32, *(2**power for power in range(56, 65)), 2**63 - 1, -2**63]

def places(value, at=()):
    yield at
    if isinstance(value, tuple):
        for index, part in enumerate(value):
            yield from places(part, (*at, index))

def changed(value, at, change):
    if not at:
        return change(value)
    first, *rest = at
    return (*value[:first], changed(value[first], rest, change), *value[first + 1:])

def parts_of(value):
    yield value
    if isinstance(value, tuple) and len(value) < 100:
        for part in value:
            yield from parts_of(part)

class Damage:
    def __init__(self, dice, stored):
        self.dice = dice
        self.stored = stored
        self.parts = [part for value in stored.definitions.values() for part in parts_of(value)]

    def change(self, value):
        dice = self.dice
        if isinstance(value, int) and dice.random() < 0.8:
            return dice.choice([*NUMBERS, value + 1, value - 1, value * 8])
        if isinstance(value, tuple) and value and dice.random() < 0.5:
            index = dice.randrange(len(value))
            count = dice.choice([0, 2, 50])
            return (*value[:index], *[value[index]] * count, *value[index + 1:])
        same = [part for part in dice.sample(self.parts, 20) if type(part) is type(value)]
        return dice.choice(same or self.parts)

    def damaged(self):
        # The index, the data, and the names of what is damaged.
        dice = self.dice
        definitions = dict(self.stored.definitions)
        touched = dice.sample(self.stored.names, min(dice.choice([1, 3, 40]), len(definitions)))
        for name in touched:
            if dice.random() < 0.2:
                definitions[name] = definitions[dice.choice(self.stored.names)]
            for _ in range(dice.choice([0, 1, 1, 3])):
                at = dice.choice(list(places(definitions[name])))
                definitions[name] = changed(definitions[name], at, self.change)
        parts = [bytearray(part) for part in pack(definitions)]
        if dice.random() < 0.3:
            for _ in range(dice.choice([1, 20])):
                part = parts[dice.random() < 0.8]
                part[dice.randrange(len(part))] = dice.choice([0, 1, 40, 114, 243])
        if dice.random() < 0.1:
            part = dice.choice(parts)
            del part[dice.randrange(len(part)):]
        return *map(bytes, parts), [*touched, *dice.sample(self.stored.names, 2)]

VALUES = [None, 1, -1, 2**70, "x", b"x", 0.5, [1], (1,), {}, len, ctypes.c_int(1)]

def attempt(action):
    try:
        action()
    except Exception:
        pass

def is_small(made):
    behind = getattr(made, "_type_", "")
    return ctypes.sizeof(made) <= 1 << 20 and (isinstance(behind, str) or is_small(behind))

def use(made, dice):
    # All is zero when it is read: nothing else would be an address.
    if not isinstance(made, type) or not is_small(made):
        return
    one = made()
    fields = getattr(made, "_epy_names_", ())[:20]
    attempt(lambda: repr(one))
    attempt(lambda: one[0])
    for name in fields:
        attempt(lambda: getattr(one, name))
    for name in fields:
        attempt(lambda: setattr(one, name, dice.choice(VALUES)))
    attempt(lambda: one.__setitem__(0, dice.choice(VALUES)))

def damage_all(seed, calls, texts):
    dice = random.Random(seed)
    damages = [Damage(dice, Stored(text)) for text in texts]
    damages += damages[:1] * (3 if len(damages) > 1 else 0)  # it is small
    tried = 0
    while tried < calls:
        damage = dice.choice(damages)
        index, data, touched = damage.damaged()
        classes = damage.stored.classes(index, data)
        for name in touched:
            kinds = ("t", name), tuple(name.split(" ", 1)), ("*", tuple(name.split(" ", 1)))
            for kind in kinds:
                for make in (classes.make, classes.named, classes.resolved, classes.error):
                    tried += 1
                    attempt(lambda: use(make(kind), dice))
            attempt(lambda: classes.parts(classes.find(name)[1]))
        classes.clear()
    return tried
"""


@pytest.mark.parametrize("texts", [HEADERS[:1], HEADERS], ids=["everything", "of hosts"])
def test_damaged_headers_are_exceptions(run, texts):
    program = f"{PROGRAM}{AT_RANDOM}\nprint(damage_all(0, {2 * CALLS}, {texts!r}))\n"
    assert int(run(sys.executable, "-c", program).stdout) >= CALLS


ONE_BY_ONE = """
stored = Stored({text!r})
name = {name!r}
old = stored.definitions[name]
stored.definitions[name] = {change}
classes = stored.classes(*pack(stored.definitions))
for _ in range(2):  # and the same the next time
    try:
        print(classes.make(tuple({asked!r}.split(" "))))
    except Exception as error:
        print(type(error).__name__, error, sep=": ")
"""
DAMAGED = "HeaderNameError: '{}' is damaged in the plugin: run `epy build` again"


def bit_field(**parts):
    """A change of the first bit-field: 3 bits from the start, in a struct of 16 bytes."""
    of = {"name": "a", "type": "c_uint", "offset": 0, "shift": 0, "width": 3, "signed": False}
    return f"(*old[:6], ({tuple({**of, **parts}.values())!r}, *old[6][1:]), *old[7:])"


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("struct bits", bit_field(width=65), DAMAGED),
        ("struct bits", bit_field(width=0), DAMAGED),
        ("struct bits", bit_field(width=2**62), DAMAGED),
        ("struct bits", bit_field(shift=-1), DAMAGED),
        ("struct bits", bit_field(shift=64), DAMAGED),
        ("struct bits", bit_field(offset=16), DAMAGED),
        ("struct bits", bit_field(offset=2**62), DAMAGED),
        ("struct bits", bit_field(type=("*",)), DAMAGED),
        ("struct bits", bit_field(name=5), DAMAGED),
        ("struct bits", "(*old[:6], ((), *old[6][1:]), *old[7:])", DAMAGED),
        ("struct whole", "(*old[:5], ('missing',), *old[6:])", DAMAGED),
        ("struct whole", "(*old[:5], (5,), *old[6:])", DAMAGED),
        ("struct whole", "old[:8]", DAMAGED),
        (
            "struct many",
            "(*old[:4], (('none', ('[', ('struct', 'empty'), 2**40)),), *old[5:])",
            f"HeaderNameError: an array of {2**40} 'empty' is too large",
        ),
        (
            "struct many",
            "(*old[:4], (('x', ('[', ('[', 'c_int', 2**40), 2**10)),), *old[5:])",
            f"HeaderNameError: an array of {2**10} 'c_int_Array_{2**40}' is too large",
        ),
        (
            "struct many",
            "(*old[:4], (('x', ('[', 'c_int', 2**62)),), *old[5:])",
            DAMAGED,
        ),
        (
            "struct many",
            "(*old[:4], (('none', 'c_long'),), *old[5:])",
            "HeaderNameError: 'many' takes 8 bytes here and 4 in the header: map its types to "
            "others of the same size, or run `epy build` again",
        ),
        (
            "struct many",
            "(*old[:4], (('x', 'c_complicated'),), *old[5:])",
            "HeaderNameError: 'c_complicated' is no type: run `epy build` again",
        ),
        (
            "struct node",
            "(*old[:4], (('next', ('struct', 'node')),), *old[5:])",
            "HeaderNameError: ('struct', 'node') leads back to itself in the plugin: "
            "run `epy build` again",
        ),
        (
            "struct node",
            "(*old[:4], (('next', ('[', ('struct', 'node'), 3)),), *old[5:])",
            "HeaderNameError: ('struct', 'node') leads back to itself in the plugin: "
            "run `epy build` again",
        ),
    ],
)
def test_what_a_damaged_definition_says(run, name, change, said):
    program = ONE_BY_ONE.format(text=EVERYTHING, name=name, change=change, asked=name)
    result = run(sys.executable, "-c", PROGRAM + program)
    assert result.stdout.splitlines() == 2 * [said.format(name)]


@pytest.mark.parametrize("index", [b"\nx\t5\t9\n", b"\nx\t0\t1\n", b"\nx\t\n", b"\nx\t"])
def test_a_damaged_plugin_s_header_says_what_to_do(index: bytes) -> None:
    _core.prepare_headers()
    stored = _core.StoredHeader(index, b"?")
    assert stored.find("y") is None and stored.find("x\0") is None
    with pytest.raises(epy.HeaderNameError, match="'x' is damaged in the plugin: run `epy build`"):
        stored.find("x")
