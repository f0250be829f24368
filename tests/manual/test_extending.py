"""The examples of "Extending Python with C or C++", with the extension's part in Python.

What the manual writes in C against Python.h is a script here, and what Python does there is a host
in C: the same things have to go right between them.
"""

from __future__ import annotations

import pytest

SPAM = """
import os
import epy
from ctypes import c_char_p, c_int

class SpamError(Exception):
    pass

@epy.export(error=-1)
def system(command: epy.c_str) -> c_int:
    status = os.system(command)
    if status < 0 or command == "fail":
        raise SpamError("System command failed")
    return status

def parrot(voltage, state="a stiff", action="voom", type="Norwegian Blue"):
    print(f"-- This parrot wouldn't {action} if you put {voltage} Volts through it.")
    print(f"-- Lovely plumage, the {type} -- It's {state}!")

def get_callback():
    return callback

class Deleter:
    def __init__(self, container):
        self.container = container

    def __del__(self):
        self.container.clear()

def container():
    made = ["first"]
    made.append(Deleter(made))
    return made

def with_deleter_first():
    made = []
    made.append(Deleter(made))
    made.append("second")
    return made

def callback(a, b=2, *, c=3):
    if a < 0:
        raise ValueError("negative")
    return None if a == 0 else (a, b, c)

host = epy.header(
    "const char *no_text(void); void *no_pointer(void); int misled(int how);"
)

def outcome(function, *arguments):
    try:
        return repr(function(*arguments))
    except Exception as error:
        return f"{type(error).__name__}: {error}"

def nulls():
    return host.no_text(), host.no_pointer()

def mislead(how):
    return outcome(host.misled, how)
"""

HOST = """
#include <epy.h>
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

#define LOOK_UP(function, name) (*(void **)(&function) = dlsym(handle, name))

static void *handle;
static epy_plugin *spam;
static int (*spam_system)(const char *);

static void show(epy_object *value) {
    epy_object *text = epy_call_method(value, "__repr__", "");
    const char *line;
    assert(text != NULL && epy_parse(text, "s", &line) == 0);
    puts(line);
    epy_object_release(text);
    epy_object_release(value);
}

#ifdef __cplusplus
extern "C" {
#endif
const char *no_text(void) { return NULL; }
void *no_pointer(void) { return NULL; }

/* Fails without having said why, and says why without failing. */
int misled(int how) {
    if (how == 1) epy_raise("RuntimeError", "was set");
    return how == 0 ? -1 : 5;
}
#ifdef __cplusplus
}
#endif

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    handle = dlopen(argv[argc - 1], RTLD_NOW);
    spam = epy_plugin_of(handle);
    LOOK_UP(spam_system, "system");
    assert(epy_start(spam) == 0);
    (void)show;
    {
    %s
    }
    return 0;
}
"""


@pytest.fixture
def played(build_plugin, epy_host, run):
    def played(body, compiler="gcc"):
        host = epy_host(HOST % body, "-rdynamic", compiler=compiler)
        return run(host, build_plugin(SPAM, name="spam")).stdout

    return played


@pytest.mark.parametrize("compiler", ["gcc", "g++"])
def test_spam_system_and_its_error(played, compiler):
    """1.1, 1.2: the exception of the module, and the value that says so."""
    stdout = played(
        """
        assert(spam_system("exit 3") == 3 * 256 && epy_last_error() == NULL);
        assert(spam_system("fail") == -1 && epy_error_matches("spam.SpamError"));
        puts(epy_last_error());
        epy_clear_error();
        assert(epy_last_error() == NULL && spam_system("true") == 0);
        """,
        compiler,
    )
    assert stdout == "spam.SpamError: System command failed\n"


def test_c_tests_clears_and_passes_exceptions_on(played):
    """1.2 and 1.10.1: KeyError is cleared for a default, another exception goes to the caller."""
    stdout = played(
        """
        epy_object *counts = epy_build("{s:i}", "a", 3), *item;
        const char *keys[] = {"a", "b"};
        for (int i = 0; i < 2; ++i) {
            int count = 0;
            item = epy_call_method(counts, "__getitem__", "s", keys[i]);
            if (item == NULL) {
                assert(epy_error_matches("KeyError") && epy_error_matches("LookupError"));
                epy_clear_error();
            } else {
                assert(epy_parse(item, "i", &count) == 0);
                epy_object_release(item);
            }
            epy_object_release(epy_call_method(counts, "__setitem__", "si", keys[i], count + 1));
        }
        assert(epy_call_method(counts, "__getitem__", "[]") == NULL);
        assert(epy_error_matches("TypeError") && !epy_error_matches("KeyError"));
        show(counts);
        """
    )
    assert stdout == "{'a': 4, 'b': 1}\n"


def test_what_c_says_is_raised_and_nothing_else(played):
    """1.2: a set exception is raised whatever the function returns, and none without one."""
    stdout = played(
        """
        show(epy_call(spam, "mislead", "i", 0));
        show(epy_call(spam, "mislead", "i", 1));
        show(epy_call(spam, "mislead", "i", 2));
        """
    )
    assert stdout == "'-1'\n'RuntimeError: was set'\n'5'\n"


@pytest.mark.parametrize("compiler", ["gcc", "g++"])
def test_a_callback_is_stored_and_called(played, compiler):
    """1.6: with arguments, with a result of None, and with NULL, which says that it failed."""
    stdout = played(
        """
        epy_object *my_callback = epy_call(spam, "get_callback", ""), *result;
        show(epy_call_object(my_callback, "i", 1));
        show(epy_call_object(my_callback, "(is)", 1, "x"));
        show(epy_call_object(my_callback, "(i)", 0));
        result = epy_call_object(my_callback, "i", -1);
        assert(result == NULL && epy_error_matches("ValueError"));
        epy_object_release(my_callback);
        show(epy_call_kw(spam, "callback", "i{s:i,s:s}", 1, "c", 4, "b", "x"));
        """,
        compiler,
    )
    assert stdout == "(1, 2, 3)\n(1, 'x', 3)\nNone\n(1, 'x', 4)\n"


def test_the_parrot_takes_keywords(played):
    """1.8"""
    stdout = played(
        """
        epy_object_release(epy_call_kw(spam, "parrot", "i{}", 1000));
        epy_object_release(epy_call_kw(spam, "parrot", "{s:s,s:d}", "action", "bereft of life",
                                       "voltage", 12.5));
        epy_object_release(epy_call_kw(spam, "parrot", "iss{s:s}", 1, "bare", "jump", "type", "T"));
        assert(epy_call_kw(spam, "parrot", "{}") == NULL && epy_error_matches("TypeError"));
        assert(epy_call_kw(spam, "parrot", "i{s:i}", 1, "volts", 2) == NULL);
        puts(epy_last_error());
        assert(epy_call_kw(spam, "parrot", "i", 1) == NULL);
        puts(epy_last_error());
        """
    )
    assert stdout.splitlines() == [
        "-- This parrot wouldn't voom if you put 1000 Volts through it.",
        "-- Lovely plumage, the Norwegian Blue -- It's a stiff!",
        "-- This parrot wouldn't bereft of life if you put 12.5 Volts through it.",
        "-- Lovely plumage, the Norwegian Blue -- It's a stiff!",
        "-- This parrot wouldn't jump if you put 1 Volts through it.",
        "-- Lovely plumage, the T -- It's bare!",
        "TypeError: parrot() got an unexpected keyword argument 'volts'",
        'TypeError: the last value is no dict of keywords: "i{s:i}"',
    ]


def test_a_del_that_empties_the_container(played):
    """1.10.3: what C has taken out of the list stays, whatever the list's next item does."""
    stdout = played(
        """
        epy_object *list = epy_call(spam, "container", "");
        epy_object *item = epy_call_method(list, "__getitem__", "i", 0);
        epy_object_release(epy_call_method(list, "__setitem__", "ii", 1, 0));
        show(epy_call_method(list, "copy", ""));
        show(item);
        epy_object_release(list);
        """
    )
    assert stdout == "[]\n'first'\n"


def test_null_never_reaches_python(played):
    """1.10.4: it is None, or an error."""
    stdout = played(
        """
        epy_object *list = epy_build("[]");
        show(epy_call(spam, "nulls", ""));
        show(epy_build("(sOzyP)", NULL, NULL, NULL, NULL, NULL));
        assert(epy_build("N", epy_get(list, "no_such")) != NULL);
        assert(epy_call_object(NULL, "i", 1) == NULL && epy_call_method(NULL, "x", "") == NULL);
        assert(epy_call(spam, NULL, "") == NULL && epy_get(list, NULL) == NULL);
        assert(epy_set(NULL, "x", list) == -1 && epy_weak(NULL) == NULL);
        assert(epy_wrap("Peer", NULL) == NULL && epy_build(NULL) == NULL);
        show(list);
        """
    )
    assert stdout == "(None, None)\n(None, None, None, None, 0)\n[]\n"
