"""Pointers to structs as arguments: the object of the last call serves the next one if nobody can
tell, and numbers behind it are read where they lie."""

import ctypes
import gc
import weakref

import pytest

import epy

HEADER = """
enum color { RED, GREEN };
struct event {
    signed char a; unsigned char b; short c; unsigned short d; int e; unsigned f; long g;
    unsigned long h; float i; double j; _Bool k; void *l; char *m; enum color n;
    unsigned o : 3; unsigned p : 5; struct { int x; } q; int r[2];
};
typedef int handler(struct event *one);
"""
VALUES = {
    "a": -5,
    "b": 200,
    "c": -300,
    "d": 60000,
    "e": -(2**31),
    "f": 2**32 - 1,
    "g": -(2**63),
    "h": 2**64 - 1,
    "i": 1.5,
    "j": -2.25,
    "k": True,
    "l": 4096,
    "m": b"text",
    "n": 1,
    "o": 5,
    "p": 17,
}


@pytest.fixture
def host():
    return epy.header(HEADER)


@pytest.fixture
def call(host):
    """`call(function, *structs)`: as C calls a callback with the address of each."""

    def call(function, *structs):
        made = epy.callback(host.handler, function)
        native = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(made.address)
        return [native(None if one is None else ctypes.addressof(one)) for one in structs]

    return call


def test_each_field_is_that_of_the_struct_that_the_call_is_about(host, call):
    first = host.struct.event(**VALUES, q=(7,), r=[8, 9])
    second = host.struct.event()
    seen = []

    def look(one):
        seen.append({name: getattr(one, name) for name in VALUES} | {"q": one.q.x, "r": one.r[1]})
        return 0

    call(look, first, second, first, second)
    zeros = {name: type(value)(0) for name, value in VALUES.items()}
    zeros |= {"l": None, "m": None, "q": 0, "r": 0}
    assert seen == [VALUES | {"q": 7, "r": 9}, zeros] * 2


def test_a_pointer_that_the_script_keeps_stays_what_it_was(host, call):
    structs = [host.struct.event(e=number) for number in range(4)]
    kept = []

    def keep(one):
        kept.append(one)
        return one.e

    assert call(keep, *structs) == [0, 1, 2, 3]
    assert [one.e for one in kept] == [0, 1, 2, 3]
    assert len({id(one) for one in kept}) == 4


@pytest.mark.parametrize("what", ["contents", "reference"])
def test_what_a_script_sets_on_a_pointer_is_gone_in_the_next_call(host, call, what):
    structs = [host.struct.event(e=number) for number in range(3)]
    died = []
    found = []

    def leave(one):
        found.append(one.e)
        if what == "contents":
            held = host.struct.event(e=50)
            weakref.finalize(held, died.append, True)
            one.contents = held
        else:
            weakref.finalize(one, died.append, True)
        return one.e

    assert call(leave, *structs) == ([50] * 3 if what == "contents" else [0, 1, 2])
    assert found == [0, 1, 2]
    gc.collect()
    assert died == [True] * 3


def test_what_is_written_through_it_is_the_hosts(host, call):
    structs = [host.struct.event() for _ in range(3)]

    def write(one):
        before = one.e
        one.e = 7 + before
        return one.e

    assert call(write, *structs, *structs) == [7, 7, 7, 14, 14, 14]
    assert [one.e for one in structs] == [14] * 3


def test_null_is_told(host, call):
    told = []

    def look(one):
        try:
            told.append((bool(one), one.e))
        except ValueError as error:
            told.append((bool(one), str(error)))
        return 0

    call(look, host.struct.event(e=3), None, host.struct.event(e=4))
    assert told == [(True, 3), (False, "NULL pointer access"), (True, 4)]


def test_calls_inside_of_a_call_have_their_own(host, call):
    structs = [host.struct.event(e=number) for number in range(5)]
    native = []

    def descend(one):
        depth = one.e
        below = native[0](ctypes.addressof(structs[depth + 1])) if depth < 4 else 0
        return below * 10 + one.e

    made = epy.callback(host.handler, descend)
    native.append(ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(made.address))
    assert [native[0](ctypes.addressof(structs[0])) for _ in range(2)] == [43210] * 2


def test_a_class_that_a_script_derives_says_what_its_fields_are(host, call):
    class Doubled(host.struct.event):
        @property
        def e(self):
            return 2 * super().e

    mine = Doubled()
    mine.f = 1
    host.struct.event.e.__set__(mine, 21)
    plain = ctypes.pointer(host.struct.event(e=5))
    assert [plain.e, plain.e] == [5, 5]
    plain.contents = mine
    assert [plain.e, plain.e] == [42, 42]
