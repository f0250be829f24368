"""epy.h: values by format, calls by name, objects and their references."""

from __future__ import annotations

import pytest

SCRIPT = """
import epy
from ctypes import c_int

class Counter(epy.Object):
    def __init__(self, start=0):
        self.value = start
    def step(self, by=1):
        self.value += by
        return self.value
    def __del__(self):
        print("gone", self.value)

class Sub(Counter):
    pass

@epy.export
def counter_new(start: c_int) -> Counter:
    return Counter(start)

@epy.export(error=-1)
def counter_value(counter: Counter) -> c_int:
    return counter.value

def show(*values, **keywords):
    print(*map(repr, values), *(f"{name}={value!r}" for name, value in keywords.items()))
    return values

def add(a, b):
    return a + b

def find(name):
    return globals()[name]

def echo(value):
    return value

def keywdarg_parrot(voltage, state="a stiff", action="voom", type="Norwegian Blue"):
    return f"{voltage} {state} {action} {type}"

class space:
    value = {"list": [1, 2]}
"""

HOST = """
#include <epy.h>
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define LOOK_UP(function, name) (*(void **)(&function) = dlsym(handle, name))

static void drop(epy_object *object) { assert(object != NULL); epy_object_release(object); }
static epy_object *(*counter_new)(int);
static int (*counter_value)(epy_object *);
static epy_object *kept;
static void release_kept(void) {
    epy_object_release(kept);
    printf("at exit %%d\\n", (int)epy_object_refcount(kept));
    assert(epy_object_retain(kept) == NULL);
}
static void *other_thread(void *object) {
    assert(epy_object_retain((epy_object *)object) == object);
    epy_object_release((epy_object *)object);
    epy_object_release((epy_object *)object);
    return NULL;
}

int main(int argc, char **argv) {
    void *handle = dlopen(argv[argc - 1], RTLD_NOW);
    epy_plugin *plugin = epy_plugin_of(handle);
    LOOK_UP(counter_new, "counter_new");
    LOOK_UP(counter_value, "counter_value");
    (void)release_kept; (void)drop; (void)other_thread;
    setvbuf(stdout, NULL, _IOLBF, 0);
    assert(epy_start(plugin) == 0);
    %s
    return 0;
}
"""


@pytest.fixture
def played(build_plugin, epy_host, run):
    def played(body, compiler="gcc"):
        result = run(epy_host(HOST % body, compiler=compiler), build_plugin(SCRIPT))
        assert result.stderr == ""
        return result.stdout

    return played


BUILT = [
    ('"i", -5', "-5"),
    ('""', "None"),
    ('"ii", 1, 2', "(1, 2)"),
    ('"(i)", 1', "(1,)"),
    ('"[i,i]", 1, 2', "[1, 2]"),
    ('"{s:i, s:[d]}", "a", 1, "b", 0.5', "{'a': 1, 'b': [0.5]}"),
    ('"((ii)(ii)) ", 1, 2, 3, 4', "((1, 2), (3, 4))"),
    ('"s#", "hallo", (ptrdiff_t)4', "'hall'"),
    ('"y#z", "a\\0b", (ptrdiff_t)3, NULL', "(b'a\\x00b', None)"),
    ('"u", L"wide"', "'wide'"),
    ("\"cC\", 'x', 0x20ac", "(b'x', '€')"),
    ('"bBhH", -1, 255, -3, 65535', "(-1, 255, -3, 65535)"),
    ('"Ilk", 4000000000u, -1L, 5UL', "(4000000000, -1, 5)"),
    ('"LKn", -1LL, ~0ULL, (ptrdiff_t)-2', "(-1, 18446744073709551615, -2)"),
    ('"fd", 0.25f, 1e300', "(0.25, 1e+300)"),
    ('"pP", 3, (void *)16', "(True, 16)"),
    ('"O", (epy_object *)NULL', "None"),
    ('"[]{}()"', "([], {}, ())"),
]


@pytest.mark.parametrize("compiler", ["gcc", "g++"])
def test_values_are_built_by_format(played, compiler):
    body = "".join(
        f'{{ epy_object *o = epy_build({code}); drop(epy_call(plugin, "show", "(N)", o)); }}\n'
        for code, _ in BUILT
    )
    assert played(body, compiler).splitlines() == [shown for _, shown in BUILT]


def test_a_wrong_format_is_an_error_and_what_it_steals_is_released(played):
    stdout = played(
        r"""
        epy_object *counter = counter_new(3);
        const char *wrong[] = {"(i", "i)", "(i]", "{s}", "S", "i*", "es", "w"};
        for (int i = 0; i < 8; ++i) {
            assert(epy_build(wrong[i], "x", "y") == NULL);
            assert(epy_error_matches("SystemError"));
        }
        assert(epy_build(NULL) == NULL);
        assert(epy_build("(N(sN)i", counter, "x", epy_object_retain(counter), 1) == NULL);
        assert(epy_object_refcount(counter) == 0);
        counter = counter_new(4);
        assert(epy_build("(ON)", (epy_object *)8, epy_object_retain(counter)) == NULL);
        assert(epy_object_refcount(counter) == 1);
        drop(epy_build("y#N", NULL, (ptrdiff_t)-1, counter));
        assert(epy_call(plugin, "no_such", "N", epy_object_retain(counter)) == NULL);
        assert(epy_error_matches("AttributeError"));
        assert(epy_object_refcount(counter) == 0);
        assert(epy_build("O", (epy_object *)8) == NULL && epy_error_matches("InvalidHandleError"));
        """
    )
    assert stdout == "gone 3\ngone 4\n"


def test_stored_objects_and_methods_take_keywords(played):
    stdout = played(
        r"""
        const char *s;
        epy_object *o;
        o = epy_call(plugin, "find", "s", "keywdarg_parrot");
        drop(kept = epy_call_object_kw(o, "i{s:s}", 7, "type", "Ara"));
        kept = epy_call_object_kw(o, "{s:i,s:s}", "voltage", 9, "state", "y");
        assert(epy_parse(kept, "s", &s) == 0);
        puts(s);
        drop(kept);
        assert(epy_call_object_kw(o, "i", 1) == NULL && epy_error_matches("TypeError"));
        assert(strcmp(epy_last_error_info()->function, "epy_call_object_kw") == 0);
        assert(epy_call_object_kw(o, "i{s:i}", 1, "wings", 2) == NULL);
        assert(epy_call_object_kw(NULL, "{}") == NULL);
        drop(o);
        o = epy_call(plugin, "Counter", "i", 1);
        drop(kept = epy_call_method_kw(o, "step", "{s:i}", "by", 5));
        assert(counter_value(o) == 6 && epy_call_method_kw(o, NULL, "{}") == NULL);
        assert(epy_call_method_kw(o, "step", "i{s:i}", 1, "by", 5) == NULL);
        assert(strcmp(epy_last_error_info()->function, "epy_call_method_kw") == 0);
        drop(o);
        drop(epy_build("i", 1));             /* what dies, dies at the next call into Python */
        """
    )
    assert stdout == "9 y voom Norwegian Blue\ngone 6\n"


def test_what_a_call_steals_is_released_also_if_it_is_not_made(played):
    """The plugin is gone, or a name is missing: nothing comes as far as Python."""
    stdout = played(
        r"""
        int sum;
        epy_object *o = epy_build("[s]", "mine");
        #define AGAIN epy_object_retain(o)
        assert(epy_call(NULL, "show", "N", AGAIN) == NULL);
        assert(epy_call_kw(plugin, NULL, "N{s:N}", AGAIN, "x", AGAIN) == NULL);
        assert(epy_call_into(plugin, "show", NULL, &sum, "iN", 1, AGAIN) == -1);
        assert(epy_call_method(o, NULL, "(N)", AGAIN) == NULL);
        assert(epy_call_object(NULL, "N", AGAIN) == NULL && epy_object_refcount(o) == 1);
        assert(epy_unload(plugin, 60000) == 0 && epy_call(plugin, "show", "N", AGAIN) == NULL);
        puts(epy_last_error());
        assert(epy_object_refcount(o) == 1);
        drop(o);
        """
    )
    assert stdout == "epy.Error: the plugin was unloaded: dlopen it again\n"


def test_values_are_parsed_by_format(played):
    stdout = played(
        r"""
        int i; long l; double d; const char *s, *y; ptrdiff_t size; long long q; unsigned u;
        epy_object *o = NULL, *list; char c; unsigned char b; _Bool unused = 0; int p;
        epy_object *value = epy_build("(isd)", 3, "text", 0.5);
        assert(epy_parse(value, "isd", &i, &s, &d) == 0 && i == 3 && d == 0.5);
        assert(epy_parse(value, "(isd)", &i, &s, &d) == 0);
        puts(s);
        assert(epy_parse(value, "is|dO:name", &i, &s, &d, &o) == 0 && o == NULL);
        assert(epy_parse(value, "iO", &i, &o) == -1 && o == NULL && epy_error_matches("TypeError"));
        assert(epy_parse(value, "iOi", &i, &o, &i) == -1 && o == NULL);
        assert(epy_parse(value, "iOd", &i, &o, &d) == 0 && epy_object_is(o, "str") == 1);
        drop(o);
        drop(value);
        value = epy_build("i", 70000);
        assert(epy_parse(value, "i", &i) == 0 && epy_parse(value, "l", &l) == 0 && l == 70000);
        assert(epy_parse(value, "b", &b) == -1 && epy_error_matches("OverflowError"));
        assert(epy_parse(value, "s", &s) == -1 && epy_error_matches("TypeError"));
        assert(epy_parse(value, "L", &q) == 0 && epy_parse(value, "I", &u) == 0 && u == 70000);
        assert(epy_parse(value, "p", &p) == 0 && p == 1 && epy_parse(value, "d", &d) == 0);
        assert(epy_parse(value, "ii", &i, &i) == -1 && epy_parse(value, "i", NULL) == -1);
        assert(epy_parse(value, "O!", &i, &i) == -1 && epy_parse(value, NULL) == -1);
        assert(epy_parse(NULL, "i", &i) == -1 && epy_parse((epy_object *)&i, "i", &i) == -1);
        drop(value);
        value = epy_build("y#c", "a\0b", (ptrdiff_t)3, 'x');
        assert(epy_parse(value, "y#c", &y, &size, &c) == 0 && size == 3 && y[2] == 'b' && c == 'x');
        drop(value);
        list = epy_get(kept = epy_call(plugin, "space", NULL), "value");
        o = epy_call_method(list, "get", "s", "list");
        assert(epy_parse(o, "(ii)", &i, &p) == 0 && i == 1 && p == 2);
        drop(o); drop(list); drop(kept); (void)unused;
        """
    )
    assert stdout == "text\n"


def test_functions_are_called_by_name(played):
    stdout = played(
        r"""
        int sum; double d; epy_object *o; const char *s;
        assert(epy_call_into(plugin, "add", "i", &sum, "ii", 2, 3) == 0 && sum == 5);
        assert(epy_call_into(plugin, "add", "d", &d, "(dd)", 0.5, 1.0) == 0 && d == 1.5);
        assert(epy_call_into(plugin, "add", "O", &o, "ss", "a", "b") == 0);
        assert(epy_parse(o, "s", &s) == 0);
        puts(s);
        drop(o);
        assert(epy_call_into(plugin, "add", "s", &s, "ss", "a", "b") == -1);
        assert(epy_error_matches("ValueError"));
        assert(epy_call_into(plugin, "add", "i", NULL, "ii", 2, 3) == -1);
        assert(epy_call_into(plugin, "add", "ii", &sum, "ii", 2, 3) == -1);
        assert(epy_call_into(plugin, "add", "i", &sum, "is", 2, "x") == -1);
        puts(epy_last_error());
        assert(strcmp(epy_last_error_info()->function, "epy_call_into") == 0);
        assert(strstr(epy_last_error_info()->traceback, "in add\n"));
        assert(strcmp(epy_last_error_info()->plugin, argv[argc - 1]) == 0);
        drop(epy_call(plugin, "show", NULL));
        drop(epy_call(plugin, "show", ""));
        drop(epy_call(plugin, "show", "i", 1));
        drop(epy_call(plugin, "show", "((i))", 1));
        drop(epy_call(plugin, "show", "[i]", 1));
        drop(epy_call_kw(plugin, "show", "i{s:s}", 1, "name", "x"));
        drop(epy_call_kw(plugin, "show", "(i){s:s}", 1, "name", "x"));
        drop(epy_call_kw(plugin, "show", "{s:i}", "only", 1));
        assert(epy_call_kw(plugin, "show", "i", 1) == NULL && epy_error_matches("TypeError"));
        o = epy_call_kw(plugin, "keywdarg_parrot", "i{s:s,s:s}", 5, "action", "jump", "state", "x");
        assert(epy_parse(o, "s", &s) == 0);
        puts(s);
        drop(o);
        o = epy_call(plugin, "space.value.get", "s", "list");
        drop(epy_call(plugin, "show", "O", o));
        drop(o);
        assert(epy_call(NULL, "show", "") == NULL && epy_call(plugin, NULL, "") == NULL);
        assert(epy_call(plugin, "show", "(", 1) == NULL);
        """
    )
    assert stdout == (
        "ab\nTypeError: unsupported operand type(s) for +: 'int' and 'str'\n\n\n1\n(1,)\n[1]\n"
        "1 name='x'\n1 name='x'\nonly=1\n5 x jump Norwegian Blue\n[1, 2]\n"
    )


def test_objects_of_exports_and_of_calls_are_the_same(played):
    stdout = played(
        r"""
        epy_object *o = counter_new(3), *same, *method, *attribute;
        assert(epy_object_refcount(o) == 1 && epy_object_retain(o) == o);
        assert(epy_object_refcount(o) == 2);
        same = epy_call(plugin, "echo", "O", o);
        assert(same == o && epy_object_refcount(o) == 3);
        drop(same);
        drop(epy_call_method(o, "step", "i", 4));
        assert(counter_value(o) == 7);
        method = epy_get(o, "step");
        drop(epy_call_object(method, NULL));
        drop(method);
        assert(counter_value(o) == 8);
        attribute = epy_build("i", 40);
        assert(epy_set(o, "value", attribute) == 0 && counter_value(o) == 40);
        assert(epy_set(o, "value", NULL) == 0 && epy_get(o, "value") == NULL);
        assert(epy_error_matches("AttributeError") && epy_set(o, "value", attribute) == 0);
        assert(epy_set(NULL, "x", o) == -1);
        assert(epy_set(o, NULL, o) == -1 && epy_set(o, "x", (epy_object *)1) == -1);
        drop(attribute);
        puts(epy_object_class(o));
        assert(epy_object_is(o, "Counter") == 1 && epy_object_is(o, "plugin.Counter") == 1);
        assert(epy_object_is(o, "Sub") == 0 && epy_object_is(NULL, "Sub") == -1);
        same = epy_call(plugin, "Sub", "i", 1);
        assert(epy_object_is(same, "Counter") == 1 && epy_object_is(same, NULL) == -1);
        drop(same);
        epy_object_release(o);
        epy_object_release(o);
        assert(epy_object_refcount(o) == 0 && epy_object_retain(o) == NULL);
        epy_object_release(o);
        assert(epy_object_class(o) == NULL && epy_call_method(o, "step", "") == NULL);
        """
    )
    assert stdout == "Counter\ngone 40\ngone 1\n"


def test_weak_references_tell_when_the_object_is_gone(played):
    stdout = played(
        r"""
        epy_object *o = counter_new(5), *weak = epy_weak(o), *number = epy_build("i", 1);
        epy_object *same = epy_weak_lock(weak);
        assert(same == o && epy_object_refcount(o) == 2);
        drop(same);
        drop(o);
        epy_clear_error();
        assert(epy_weak_lock(weak) == NULL && epy_last_error() == NULL);
        assert(epy_weak_lock(number) == NULL && epy_weak(number) == NULL);
        assert(epy_error_matches("TypeError") && epy_weak(NULL) == NULL);
        assert(epy_weak_lock(NULL) == NULL);
        drop(weak);
        drop(number);
        """
    )
    assert stdout == "gone 5\n"


@pytest.mark.once("keeps an object until the process exits")
def test_references_are_counted_on_threads_without_python_and_after_the_end(played):
    stdout = played(
        r"""
        pthread_t thread;
        epy_object *o = counter_new(6), *value = epy_build("[s]", "survives");
        atexit(release_kept);
        assert(epy_object_retain(o) == o);
        pthread_create(&thread, NULL, other_thread, o);
        pthread_join(thread, NULL);
        assert(epy_object_refcount(o) == 1);
        kept = epy_build("[s]", "kept");
        assert(epy_unload(plugin, 60000) == 0 && dlclose(handle) == 0);
        assert(epy_object_retain(o) == NULL && epy_object_refcount(o) == 0);
        epy_object_release(o);
        assert(epy_object_refcount(value) == 1 && epy_object_is(value, "list") == 1);
        assert(epy_object_retain(value) == value);
        drop(value);
        drop(value);
        """
    )
    assert stdout == "gone 6\nat exit 0\n"
