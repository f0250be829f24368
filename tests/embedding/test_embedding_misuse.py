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

host = epy.header("int complain(int length);")

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
