"""epy.h: what hosts give that is wrong, and what they find out then."""

from __future__ import annotations

import pytest

SCRIPT = """
import epy
from ctypes import c_int

class Thing:
    pass

@epy.export(error=-1)
def add(a: c_int, b: c_int) -> c_int:
    return a + b

host = epy.header("int complain(int length); int raise_as(const char *type);")

def raised_as(type):
    try:
        host.raise_as(type)
    except Exception as error:
        return str(error)

def length_of_complaint(length):
    try:
        host.complain(length)
    except ValueError as error:
        return len(str(error))
"""

HOST = """
#include <epy.h>
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static epy_plugin *plugin;
int said_so(void) {
    const char *last = epy_last_error();
    const int said = last != NULL && strstr(last, "no plugin, or one that was closed") != NULL;
    epy_clear_error();
    return said;
}
int visit(const char *name, const char *prototype, void *address, void *user) {
    return (void)name, (void)prototype, (void)address, (void)user, 0;
}
static int (*add)(int, int);

int complain(int length) {
    char *text = (char *)malloc((size_t)length + 1);
    int result;
    memset(text, 'x', (size_t)length);
    text[length] = 0;
    result = epy_raise("ValueError", "%%s", text);
    free(text);
    return result;
}

int raise_as(const char *type) { return epy_raise(type, "%%s", "text"); }

int main(int argc, char **argv) {
    void *handle = dlopen(argv[argc - 1], RTLD_NOW);
    plugin = epy_plugin_of(handle);
    *(void **)&add = dlsym(handle, "add");
    (void)add;
    %s
    return 0;
}
"""


@pytest.fixture
def played(build_plugin, epy_host, run):
    def played(body, script=SCRIPT):
        return run(epy_host(HOST % body, "-rdynamic"), build_plugin(script))

    return played


@pytest.mark.parametrize(
    "format", ["(", ")", "i)", "(i", "((i)", "(i))", "(i|i)", "(" * 40 + "i" + ")" * 40]
)
def test_a_format_that_is_none_is_an_error(played, format):
    """Python itself would end the process for most."""
    played(
        f"""
        int i = 5, j = 6;
        epy_object *one, *pair;
        assert(epy_start(plugin) == 0);
        one = epy_build("i", 1), pair = epy_build("((i))", 1);
        assert(epy_parse(one, "{format}", &i, &j) == -1 && epy_error_matches("SystemError"));
        assert(epy_parse(pair, "{format}", &i, &j) == -1 && epy_error_matches("SystemError"));
        assert(i == 5 && j == 6);
        epy_object_release(one);
        epy_object_release(pair);
        """
    )


def test_a_long_message_is_raised_whole(played):
    played(
        """
        int length = 0;
        assert(epy_call_into(plugin, "length_of_complaint", "i", &length, "i", 100000) == 0);
        assert(length == 100000);
        """
    )


@pytest.mark.parametrize(
    "type",
    [
        "Nothing",
        "builtins.ValueError.x",
        "json.Nothing",
        "..",
        ".",
        "",
        "no.module",
        " ValueError",
        "\\xff",
    ],
)
def test_a_class_that_there_is_not_is_named(played, type):
    """Whatever looking for it has failed with."""
    stdout = played(
        f"""
        const char *text;
        epy_object *said = epy_call(plugin, "raised_as", "y", "{type}");
        assert(epy_parse(said, "s", &text) == 0);
        puts(text);
        epy_object_release(said);
        """
    ).stdout
    name = type.replace("\\xff", "\N{REPLACEMENT CHARACTER}")
    assert stdout == f"epy_raise: no exception class {name!r} in the script, nor in Python\n"


def test_what_is_no_exception_class_is_named(played):
    stdout = played(
        """
        const char *text;
        epy_object *said = epy_call(plugin, "raised_as", "y", "Thing");
        assert(epy_parse(said, "s", &text) == 0);
        puts(text);
        epy_object_release(said);
        """
    ).stdout
    assert stdout.startswith("epy_raise: 'Thing' is no exception class: <class ")


@pytest.mark.parametrize("pointer", ["NULL", "(epy_plugin *)&text", "(epy_plugin *)1", "closed"])
def test_what_is_no_plugin_is_told_from_one(played, pointer):
    calls = (
        "epy_start({0})",
        "epy_unload({0}, 1000)",
        "epy_each_export({0}, visit, NULL)",
        "epy_set_log({0}, NULL, NULL)",
        'epy_call_into({0}, "add", "i", &text, "ii", 1, 2)',
    )
    body = "".join(
        f"assert({call.format(pointer)} == -1 && said_so());\n"
        for call in calls
        if pointer != "NULL" or "set_log" not in call
    )
    played(
        f"""
        char text[64] = "";
        epy_plugin *closed = plugin;
        assert(epy_start(plugin) == 0 && epy_unload(plugin, 600000) == 0 && dlclose(handle) == 0);
        (void)text, (void)closed;
        {body}
        """
    )


def test_every_object_is_an_object(played):
    played(
        """
        epy_object *thing = epy_call(plugin, "Thing", "");
        assert(epy_object_is(thing, "object") == 1 && epy_object_is(thing, "Thing") == 1);
        assert(epy_object_is(thing, "Object") == 0 && epy_object_is(thing, "") == 0);
        epy_object_release(thing);
        """
    )


def test_the_last_error_is_that_of_an_export_that_cannot_run(played):
    """After the unload, and when the start has failed: then the first has what the start said."""
    played(
        """
        assert(add(1, 2) == 3 && epy_last_error() == NULL);
        assert(epy_unload(plugin, 600000) == 0);
        assert(add(1, 2) == -1 && strstr(epy_last_error(), "the plugin was unloaded"));
        """
    )
    played(
        """
        assert(add(1, 2) == -1 && epy_error_matches("LookupError"));
        epy_clear_error();
        assert(add(1, 2) == -1 && strstr(epy_last_error(), "the plugin did not start"));
        assert(strcmp(epy_last_error_info()->plugin, argv[argc - 1]) == 0);
        """,
        script=SCRIPT + "if not epy.building: {}['no']\n",
    )


NOTHING = """
static void give_nothing(void) {
    int place = 5;
    void *memory = &place;
    size_t size = 7;
    assert(epy_plugin_of(NULL) == NULL && epy_start(NULL) == -1 && epy_unload(NULL, 0) == -1);
    assert(epy_plugin_state(NULL) == EPY_UNLOADED || epy_plugin_state(NULL) == EPY_NEW);
    assert(epy_set_python(NULL) == -1 && epy_each_export(NULL, NULL, NULL) == -1);
    assert(epy_raise(NULL, NULL) == -1 && epy_raise("", NULL) == -1 && epy_raise(NULL, "") == -1);
    assert(epy_error_matches(NULL) == 0 && epy_raise_again() == -1);
    assert(epy_raise_errno(NULL) == -1);
    assert(epy_object_retain(NULL) == NULL && epy_object_refcount(NULL) == 0);
    epy_object_release(NULL);
    assert(epy_object_is(NULL, NULL) == -1 && epy_object_is(NULL, "x") == -1);
    assert(epy_object_class(NULL) == NULL && epy_weak(NULL) == NULL);
    assert(epy_weak_lock(NULL) == NULL);
    assert(epy_build(NULL) == NULL && epy_parse(NULL, NULL) == -1);
    assert(epy_parse(NULL, "i", &place) == -1 && place == 5);
    assert(epy_call(NULL, NULL, NULL) == NULL && epy_call_kw(NULL, NULL, NULL) == NULL);
    assert(epy_call_into(NULL, NULL, NULL, NULL, NULL) == -1);
    assert(epy_call_object(NULL, NULL) == NULL && epy_call_object_kw(NULL, NULL) == NULL);
    assert(epy_call_method(NULL, NULL, NULL) == NULL);
    assert(epy_call_method_kw(NULL, NULL, NULL) == NULL);
    assert(epy_get(NULL, NULL) == NULL && epy_get(NULL, "x") == NULL);
    assert(epy_set(NULL, NULL, NULL) == -1 && epy_set(NULL, "x", NULL) == -1);
    assert(epy_callback_retain(NULL) == -1 && epy_callback_is_live(NULL) == 0);
    epy_callback_release(NULL);
    assert(epy_callback_new(NULL, NULL, NULL) == NULL);
    assert(epy_register_class(NULL) == -1);
    assert(epy_wrap(NULL, NULL) == NULL && epy_wrap("x", NULL) == NULL);
    assert(epy_wrap(NULL, memory) == NULL && epy_unwrap(NULL, NULL) == NULL);
    assert(epy_unwrap(NULL, "x") == NULL);
    epy_share(NULL, 1), epy_share(NULL, 0), epy_forget(NULL);
    assert(epy_keep_alive(NULL, NULL) == -1);
    assert(epy_memory(NULL, 1, 1, NULL, NULL) == NULL);
    assert(epy_buffer(NULL, 0, NULL, NULL) == NULL);
    assert(epy_buffer(NULL, 0, &memory, &size) == NULL && memory == &place && size == 7);
    assert(epy_enter(NULL) == -1);
    epy_leave(NULL), epy_pause(NULL), epy_resume(NULL);
}
"""


def test_nothing_is_an_error_at_any_time(build_plugin, epy_host, run):
    """Before a Python runs, with one, on a thread that it has not seen, and after the unload."""
    body = """
        pthread_t thread;
        give_nothing();
        assert(epy_start(plugin) == 0);
        give_nothing();
        pthread_create(&thread, NULL, elsewhere, NULL);
        pthread_join(thread, NULL);
        assert(epy_call(plugin, NULL, NULL) == NULL && epy_call(plugin, "", NULL) == NULL);
        assert(epy_call_into(plugin, "add", NULL, NULL, "ii", 1, 2) == -1);
        assert(epy_call_into(plugin, "add", "i", NULL, "ii", 1, 2) == -1);
        assert(epy_each_export(plugin, NULL, NULL) == -1);
        assert(epy_unload(plugin, 600000) == 0);
        give_nothing();
        assert(epy_unload(plugin, 600000) == 0 && epy_start(plugin) == -1);
        assert(dlclose(handle) == 0);
        give_nothing();
        assert(epy_start(plugin) == -1 && epy_unload(plugin, 1) == -1);
        assert(epy_call(plugin, "add", "ii", 1, 2) == NULL);
    """
    elsewhere = """
#include <pthread.h>
static void *elsewhere(void *unused) {
    give_nothing();
    return unused;
}
"""
    host = HOST % body
    host = host.replace("int main", NOTHING + elsewhere + "int main")
    run(epy_host(host, "-rdynamic", "-pthread"), build_plugin(SCRIPT))
