"""Functions in structs that a script gives to its host, which copies these: they are there when the
host calls its copy, however the struct was passed."""

import pytest

DECLARED = r"""
struct ops { int tag; int (*callback)(int); };
struct table { struct ops *ops; int count; const char *name; };
void take_value(struct ops one);
void take_pointer(const struct ops *one);
void take_any(const void *one);
void take_table(const struct table *one);
void take_array(const struct ops *all, int count);
struct ops made(int step);
"""
SCRIPT = (
    f"""
import epy, gc
from ctypes import CFUNCTYPE, POINTER, byref, c_int, pointer

host = epy.header('''{DECLARED}''')
"""
    """
def give(way, f):
    if way == "value":
        host.take_value(host.ops(1, f))
    if way == "instance":
        host.take_pointer(host.ops(1, f))
    if way == "byref":
        host.take_pointer(byref(host.ops(1, f)))
    if way == "pointer":
        host.take_pointer(pointer(host.ops(1, f)))
    if way == "void":
        host.take_any(byref(host.ops(1, f)))
    if way == "table":
        host.take_table(host.table(ops=[host.ops(1, f), host.ops(2, f)], count=2, name="x"))
    if way == "array":
        host.take_array((host.ops * 2)((1, f), (2, f)), 2)
    if way == "item":
        host.take_pointer(byref((host.ops * 2)((1, f), (2, f))[1]))
    if way == "list":
        host.take_array([host.ops(1, f), host.ops(2, f)], 2)
    if way == "tuple":
        host.take_value((1, f))
    if way == "ready":
        host.take_value(host.ops(1, epy.callback("int(int)")(f)))
    if way == "ctypes":
        host.take_value(host.ops(1, CFUNCTYPE(c_int, c_int)(f)))

@epy.export("void start(const char *way, int step)")
def start(way, step):
    give(way.decode(), lambda value: value + step)
    gc.collect()

@epy.export("void same(const char *way, int count)")
def same(way, count):
    for _ in range(count):
        give(way.decode(), twice)

def twice(value):
    return 2 * value

@host.export
def made(step):
    return host.ops(1, lambda value: value + step)
"""
)
WAYS = "value instance byref pointer void table array item list tuple ready ctypes".split()
HOST = (
    DECLARED
    + r"""
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <malloc.h>

static struct ops kept;

void take_value(struct ops one) { kept = one; }
void take_pointer(const struct ops *one) { kept = *one; }
void take_any(const void *one) { kept = *(const struct ops *)one; }
void take_table(const struct table *one) { kept = one->ops[one->count - 1]; }
void take_array(const struct ops *all, int count) { kept = all[count - 1]; }

int main(int argc, char **argv) {
    void *plugin = dlopen("./plugin.so", RTLD_NOW);
    void (*start)(const char *, int) = (void (*)(const char *, int))dlsym(plugin, "start");
    void (*same)(const char *, int) = (void (*)(const char *, int))dlsym(plugin, "same");
    struct ops (*make)(int) = (struct ops (*)(int))dlsym(plugin, "made");
    for (int i = 1; i < argc; ++i) {
        struct ops first;
        if (argv[i][0] == '*') { // again and again
            start(argv[i] + 1, 1);
            first = kept;
            for (int step = 2; step <= 1000; ++step) {
                start(argv[i] + 1, step);
            }
            printf("%d %d\n", first.callback(100), kept.callback(100));
            same(argv[i] + 1, 3000); /* as much as is kept */
            size_t before = mallinfo2().uordblks;
            same(argv[i] + 1, 20000);
            size_t after = mallinfo2().uordblks;
            printf("%d %d\n", kept.callback(100), after < before + (1 << 20));
        } else if (argv[i][0] == '.') { // returned by value
            first = make(1);
            kept = make(2);
            printf("%d %d\n", first.callback(100), kept.callback(100));
        } else {
            start(argv[i], 5);
            first = kept;
            start(argv[i], 6);
            printf("%d %d\n", first.callback(100), kept.callback(100));
        }
        fflush(stdout);
    }
    dlclose(plugin);
    return 0;
}
"""
)


@pytest.fixture
def host(build_plugin, compile_c, run):
    build_plugin(SCRIPT)
    program = compile_c(HOST.replace("struct ops made(int step);", ""), "-rdynamic", "-ldl")
    return lambda *ways: run(program, *ways)


@pytest.mark.parametrize("way", [*WAYS, "."])
def test_a_copy_of_the_host_s_is_called(host, way):
    """Two of them: each has its own function."""
    result = host(way)
    last = "101 102" if way == "." else "105 106"
    assert result.stdout.splitlines() == [last], result.stderr
    assert result.stderr == ""


@pytest.mark.parametrize("way", ["value", "byref", "table"])
def test_a_thousand_are_kept_and_what_is_kept_has_an_end(host, way):
    result = host(f"*{way}")
    assert result.stdout.splitlines() == ["101 1100", "200 1"], result.stderr
