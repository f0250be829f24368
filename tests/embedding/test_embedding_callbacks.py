"""epy.h: function pointers that a script passed, and those that C makes of Python objects."""

from __future__ import annotations

import pytest

SCRIPT = """
import ctypes
import gc
import weakref
import epy
from ctypes import c_int
from epy._host.made_callbacks import new_callback_here

host = epy.header("struct p { double x, y, z; }; void wide(double (*f)(struct p));")
made = []

class Listener:
    def __init__(self, add):
        self.add = add
        made.append(weakref.ref(self))

    def __call__(self, value):
        return value + self.add

def pass_one(add):
    callback = epy.callback("int (*)(int)", Listener(add).__call__, error=-9)
    ctypes.CDLL(None).subscribe(callback)

def pass_wide(_):
    host.wide(lambda point: point.x + point.z)

told = []

def pass_dying(add):
    library = ctypes.CDLL(None)
    callback = new_callback_here(Listener(add).__call__, "int (*)(int)", -9)
    library.subscribe(ctypes.c_void_p(callback.address))
    # What is told of its end calls C, which calls what it still has.
    told.append(weakref.ref(callback, lambda _: told.append(library.call_stored(1))))

def what_was_told():
    return told[-1]

def alive():
    gc.collect()
    return sum(reference() is not None for reference in made)

def find(name):
    return globals()[name]

def multiply(a, text):
    if a < 0:
        raise ValueError("negative")
    return a * len(text)

class Greeter:
    def greet(self, name):
        return f"hello {name}"

@epy.export
def add(a: c_int, b: c_int) -> c_int:
    return a + b
"""

HOST = """
#include <epy.h>
#undef NDEBUG
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct p { double x, y, z; };
static int (*stored)(int);
static double (*stored_wide)(struct p);
static epy_plugin *plugin;
static void *handle;

#ifdef __cplusplus
extern "C" {
#endif
static int keeps;
void subscribe(int (*on_event)(int)) {
    stored = on_event;
    if (keeps) assert(epy_callback_retain((epy_function *)on_event) == 0);
}
int call_stored(int value) { return stored(value); }
void wide(double (*f)(struct p)) {
    stored_wide = f;
    assert(epy_callback_retain((epy_function *)f) == 0);
}
#ifdef __cplusplus
}
#endif

static int alive(void) {
    int count = -1;
    assert(epy_call_into(plugin, "alive", "i", &count, "") == 0);
    return count;
}

static void run(const char *name, int value) {
    epy_object *result = epy_call(plugin, name, "i", value);
    if (result == NULL) puts(epy_last_error());
    assert(result != NULL);
    epy_object_release(result);
}

static epy_function *as_function(int (*f)(int)) { return (epy_function *)f; }

static void *use_much(void *unused) {
    for (int i = 0; i < 1000; ++i) {
        assert(epy_callback_retain(as_function(stored)) == 0);
        assert(stored(1) == 5);
        epy_callback_release(as_function(stored));
    }
    return unused;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    handle = dlopen(argv[argc - 1], RTLD_NOW);
    plugin = epy_plugin_of(handle);
    (void)run, (void)alive, (void)use_much, (void)as_function;
    %s
    return 0;
}
"""


@pytest.fixture
def played(build_plugin, epy_host, run):
    def played(body, compiler="gcc"):
        host = epy_host(HOST % body, "-rdynamic", "-pthread", compiler=compiler)
        return run(host, build_plugin(SCRIPT))

    return played


def test_what_nobody_keeps_gives_its_error_value(played):
    played(
        """
        run("pass_one", 4);
        assert(alive() == 0 && epy_callback_is_live(as_function(stored)) == 0);
        assert(stored(1) == -9);
        assert(epy_callback_retain(as_function(stored)) == -1);
        puts(epy_last_error());
        """
    )


def test_one_that_is_dying_is_called_no_more(played):
    """By Python code that runs because it dies, as by other threads meanwhile."""
    played(
        """
        int said = 0;
        run("pass_dying", 4);
        assert(epy_call_into(plugin, "what_was_told", "i", &said, "") == 0 && said == -9);
        assert(alive() == 0 && stored(1) == -9);
        """
    )


@pytest.mark.parametrize("compiler", ["gcc", "clang", "g++"])
def test_what_the_host_retains_lives_until_it_releases_it(played, compiler):
    played(
        """
        keeps = 1;
        run("pass_one", 4);
        assert(alive() == 1 && epy_callback_is_live(as_function(stored)) == 1);
        assert(stored(1) == 5);
        assert(epy_callback_retain(as_function(stored)) == 0);
        epy_callback_release(as_function(stored));
        assert(alive() == 1 && stored(2) == 6);
        epy_callback_release(as_function(stored));
        assert(alive() == 0 && stored(3) == -9);
        epy_callback_release(as_function(stored));   /* one too many */
        assert(alive() == 0);
        """,
        compiler,
    )


def test_a_struct_by_value_travels_through_a_retained_callback(played):
    """Such a callback is entered through libffi, by an address like any other's."""
    played(
        """
        struct p point = {1, 2, 3};
        run("pass_wide", 0);
        assert(stored_wide(point) == 4);
        epy_callback_release((epy_function *)stored_wide);
        """
    )


def test_what_is_no_callback_is_told_so(played):
    stdout = played(
        """
        epy_function *exported;
        *(void **)&exported = dlsym(handle, "add");
        assert(epy_callback_retain(as_function(stored)) == -1);
        assert(epy_start(plugin) == 0);
        assert(epy_callback_retain(NULL) == -1 && epy_callback_retain(exported) == -1);
        assert(epy_callback_retain((epy_function *)subscribe) == -1);
        assert(strstr(epy_last_error(), "is no live callback: C's own functions"));
        run("pass_one", 1);
        assert(epy_callback_retain((epy_function *)((uintptr_t)stored + 1)) == -1);
        epy_callback_release(NULL);
        epy_callback_release(exported);
        assert(!epy_callback_is_live(NULL) && !epy_callback_is_live(exported));
        """
    ).stdout
    assert stdout == ""


def test_threads_retain_call_and_release(played):
    played(
        """
        pthread_t threads[3];
        keeps = 1;
        run("pass_one", 4);
        for (int i = 0; i < 3; ++i) pthread_create(&threads[i], NULL, use_much, NULL);
        for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
        epy_callback_release(as_function(stored));
        assert(alive() == 0);
        """
    )


def test_the_unload_takes_them_back(played):
    result = played(
        """
        keeps = 1;
        run("pass_one", 4);
        assert(epy_callback_retain(as_function(stored)) == 0);
        assert(epy_unload(plugin, 60000) == 0 && dlclose(handle) == 0);
        assert(stored(1) == -9 && stored(1) == -9 && !epy_callback_is_live(as_function(stored)));
        epy_callback_release(as_function(stored));
        epy_callback_release(as_function(stored));
        epy_callback_release(as_function(stored));
        handle = dlopen(argv[argc - 1], RTLD_NOW);
        plugin = epy_plugin_of(handle);
        run("pass_one", 6);
        assert(stored(1) == 7 && alive() == 1);
        epy_callback_release(as_function(stored));
        assert(alive() == 0);
        """
    )
    assert result.stderr.count("\n") == 1 and "called after it was dropped" in result.stderr


@pytest.mark.parametrize("compiler", ["gcc", "g++"])
def test_c_makes_a_callback_of_a_callable_and_a_prototype(played, compiler):
    result = played(
        """
        epy_object *multiply = epy_call(plugin, "find", "s", "multiply");
        epy_object *error = epy_build("i", -5);
        epy_function *made =
            epy_callback_new(multiply, "int multiply(int32_t a, const char *)", error);
        int (*call)(int, const char *) = (int (*)(int, const char *))made;
        epy_object_release(multiply);
        epy_object_release(error);
        assert(call(3, "\\xc3\\xa9\\xc3\\xa9") == 6 && call(-1, "x") == -5);
        epy_callback_release(made);
        assert(alive() == 0 && call(3, "xx") == -5);
        """,
        compiler,
    )
    assert "ValueError: negative" in result.stderr


def test_a_bound_method_becomes_one_without_a_name(played):
    stdout = played(
        """
        epy_object *greeter = epy_call(plugin, "Greeter", "");
        epy_object *greet = epy_get(greeter, "greet");
        const char *(*call)(const char *) =
            (const char *(*)(const char *))epy_callback_new(greet, "char *(*)(char *)", NULL);
        epy_object_release(greet);
        epy_object_release(greeter);
        puts(call("you"));
        epy_callback_release((epy_function *)call);
        assert(alive() == 0 && call("you") == NULL);
        """
    ).stdout
    assert stdout == "hello you\n"


def test_what_makes_no_callback_says_why(played):
    lines = played(
        """
        epy_object *multiply = epy_call(plugin, "find", "s", "multiply");
        epy_object *number = epy_build("i", 3);
        assert(epy_callback_new(NULL, "int f(int)", NULL) == NULL);
        assert(epy_callback_new(multiply, NULL, NULL) == NULL);
        puts(epy_last_error());
        assert(epy_callback_new(number, "int f(int)", NULL) == NULL);
        puts(epy_last_error());
        assert(epy_callback_new(multiply, "int f(struct p)", NULL) == NULL);
        puts(epy_last_error());
        assert(epy_callback_new(multiply, "f(int)", NULL) == NULL);
        assert(epy_callback_new(multiply, "int (*)(int)", NULL) == NULL);
        puts(strstr(epy_last_error(), "takes"));
        epy_object *text = epy_build("s", "x");
        assert(epy_callback_new(multiply, "int (*)(int, char *)", text) == NULL);
        puts(strstr(epy_last_error(), "error="));
        epy_object_release(text);
        epy_object_release(multiply);
        epy_object_release(number);
        """
    ).stdout.splitlines()
    assert lines[0] == "epy.Error: the prototype is NULL"
    assert lines[1].endswith("3 is not callable: give a function")
    assert lines[2].endswith("'p' is no plain type of C's")
    assert lines[3] == "takes 2 arguments, but its prototype has 1: let both agree"
    assert lines[4].startswith("error='x' does not fit the result type")
