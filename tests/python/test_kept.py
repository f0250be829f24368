"""What is stored in memory of the host's: kept by place, some of what was replaced too."""

from __future__ import annotations

import ctypes
import gc
import sys
import weakref
from ctypes import CFUNCTYPE, POINTER, c_int, c_void_p, cast, pointer

import pytest

import epy
from epy._script import nowhere

C = """
struct part { const char *name; };
struct all {
    const char *text; void *any; int *numbers; struct part *part; struct part inside;
    int (*call)(int); const char *texts[3]; int (*calls[2])(int);
};
"""


@pytest.fixture
def host(monkeypatch):
    """A header that keeps nothing yet."""
    monkeypatch.setattr(nowhere(), "kept", None)
    return epy.header(C)


@pytest.fixture
def memory(host):
    return ctypes.create_string_buffer(ctypes.sizeof(host.struct.all))


@pytest.fixture
def there(host, memory):
    """A struct in memory that Python does not own."""
    return cast(ctypes.addressof(memory), POINTER(host.struct.all))


def word(there, field):
    struct = there.contents
    place = ctypes.addressof(struct) + getattr(type(struct), field).offset
    return c_void_p.from_address(place).value


STORES = {
    "text": lambda p, n: setattr(p, "text", f"text {n} " + "x" * 100),
    "bytes": lambda p, n: setattr(p, "text", b"text %d " % n + b"x" * 100),
    "void": lambda p, n: setattr(p, "any", f"text {n} " + "x" * 100),
    "list": lambda p, n: setattr(p, "numbers", [n] * 50),
    "struct": lambda p, n: setattr(p, "part", {"name": f"part {n}"}),
    "field": lambda p, n: setattr(p.inside, "name", f"part {n}"),
    "callback": lambda p, n: setattr(p, "call", lambda x: x + n),
    "item": lambda p, n: p.texts.__setitem__(n % 3, f"text {n}"),
    "slice": lambda p, n: p.texts.__setitem__(slice(0, 2), [f"text {n}", f"more {n}"]),
    "array": lambda p, n: setattr(p, "texts", [f"text {n}"]),
    "whole": lambda p, n: p.__setitem__(0, {"text": f"text {n}", "part": {"name": "x"}}),
}


@pytest.mark.parametrize("store", STORES.values(), ids=STORES.keys())
def test_a_value_that_changes_at_each_step_does_not_grow(there, store):
    for number in range(17_000):
        store(there, number)
    gc.collect()
    before = sys.getallocatedblocks()
    for number in range(3000):
        store(there, number)
    gc.collect()
    assert sys.getallocatedblocks() - before < 2000


def test_what_was_replaced_a_while_ago_is_still_there(host, memory, there):
    """As when a host copies a struct from its stack and has the next one filled there."""
    copies = []
    for number in range(300):
        there.text = f"text {number}"
        there.numbers = [number] * 5
        there.part = {"name": f"part {number}"}
        there.call = lambda x, number=number: x + number
        there.inside.name = f"inside {number}"
        copies.append(host.struct.all.from_buffer_copy(memory))
    for _ in range(10_000):
        there.any = "another " + "text"
    gc.collect()
    for number, copy in enumerate(copies):
        assert copy.text == b"text %d" % number
        assert copy.numbers[4] == number
        assert copy.part.name == b"part %d" % number
        assert copy.inside.name == b"inside %d" % number
        assert CFUNCTYPE(c_int, c_int)(cast(copy.call, c_void_p).value)(1) == number + 1


def test_large_values_that_were_replaced_go_soon(there):
    made = 0

    class Numbers(c_int * 10_000):
        def __del__(self):
            nonlocal made
            made -= 1

    for _ in range(200):
        there.numbers = [7] * 10_000
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(200):
        there.numbers = [7] * 10_000
    gc.collect()
    assert sys.getallocatedblocks() - before < 200
    there.numbers = Numbers()
    made += 1
    there.numbers = None
    gc.collect()
    assert made in (0, 1)


def test_a_text_is_where_the_script_has_it(there):
    """So that a constant is at one place, as in C."""
    text, data, umlauts = "a text " * 2, b"some bytes", "Größe " * 2
    for value in (text, data, umlauts):
        there.text = value
        first = word(there, "text")
        there.text = "other"
        there.text = value
        assert word(there, "text") == first
        assert there.text == (value if isinstance(value, bytes) else value.encode())
    with pytest.raises(epy.FieldError, match="NUL"):
        there.text = "a\0b"


def test_a_callable_has_one_callback_while_it_is_kept(there):
    class Thing:
        def method(self, x):
            return x

    thing = Thing()
    there.call = thing.method
    first = word(there, "call")
    there.calls = [thing.method, len]
    there.call = None
    gc.collect()
    there.call = thing.method
    assert word(there, "call") == first
    gone = weakref.ref(thing)
    del thing
    gc.collect()
    assert gone() is not None


def test_a_buffer_is_given_back_when_it_is_replaced(host, there):
    data = bytearray(8)
    for struct in (there, pointer(host.struct.all())):
        for field, value in [("numbers", (c_int * 2)()), ("numbers", None), ("any", None)]:
            setattr(struct, field, memoryview(data).cast("i") if field == "numbers" else data)
            with pytest.raises(BufferError):
                data.append(0)
            setattr(struct, field, value)
            data.append(0)
            del data[8:]


def test_null_in_a_struct_of_python_s_lets_the_former_value_go(host):
    struct = host.struct.all()

    class Part(host.struct.part):
        pass

    def function(x):
        return x

    part = Part(name="x")
    gone = [weakref.ref(part), weakref.ref(function)]
    struct.part, struct.call = part, function
    struct.calls[0] = function
    del part, function
    gc.collect()
    assert all(one() is not None for one in gone)
    struct.part = struct.call = struct.calls[0] = None
    gc.collect()
    assert not any(one() is not None for one in gone)
    assert not struct.part
    assert not struct.call


def test_a_variable_of_the_host_is_a_place_too(build_plugin, compile_c, run):
    plugin = build_plugin("""
import epy, sys
host = epy.header("extern const char *status; extern void *any; void step(int n);"
                  "long blocks(void);")

@host.export
def step(n):
    host.status.value = f"the status at step {n} of the simulation"
    host.any.value = f"and another text at step {n} of it"

@host.export
def blocks():
    return sys.getallocatedblocks()
""")
    program = compile_c(
        """
#include <dlfcn.h>
#include <stdio.h>
const char *status; void *any;
int main(int argc, char **argv) {
    void *plugin = dlopen(argv[1], RTLD_NOW);
    void (*step)(int) = (void (*)(int))dlsym(plugin, "step");
    long (*blocks)(void) = (long (*)(void))dlsym(plugin, "blocks");
    for (int i = 0; i < 17000; ++i) step(i);
    long before = blocks();
    for (int i = 0; i < 10000; ++i) step(i);
    printf("%s\\n%s\\n%d\\n", status, (char *)any, blocks() - before < 5000);
}
""",
        "-rdynamic",
    )
    assert run(program, plugin).stdout.splitlines() == [
        "the status at step 9999 of the simulation",
        "and another text at step 9999 of it",
        "1",
    ]
