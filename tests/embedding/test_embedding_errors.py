"""epy.h: what has failed, what C raises in Python, and where reports go."""

from __future__ import annotations

import pytest

SCRIPT = """
import ctypes
import epy
from ctypes import c_int

class SpamError(OSError):
    pass

class Picky(SpamError):
    pass

@epy.export(error=-7)
def fail(kind: c_int) -> c_int:
    raise (ValueError("no\\nvalue"), Picky("picky"), KeyError("key"))[kind]

@epy.export(error=-7)
def succeed(kind: c_int) -> c_int:
    return kind

host = epy.header("int checked(int how); int through(int how);")

def tried(function, how):
    try:
        return f"returned {function(how)}"
    except BaseException as error:
        context = f" while {error.__context__!r}" if error.__context__ else ""
        names = [one.name for one in __import__("traceback").extract_tb(error.__traceback__)]
        file = f" of {error.filename}" if getattr(error, "filename", None) else ""
        return f"{error!r}{file}{context} in {names}"

@epy.export
def with_header(how: c_int) -> c_int:
    print(tried(host.checked, how))
    return 0

@epy.export
def with_ctypes(how: c_int) -> c_int:
    print(tried(ctypes.CDLL(None).checked, how))
    return 0

@epy.export
def nested(how: c_int) -> c_int:
    print(tried(host.through, how))
    return 0
"""

HOST = """
#include <epy.h>
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define LOOK_UP(function, name) (*(void **)(&function) = dlsym(handle, name))

static void *handle;
static epy_plugin *plugin;
static int (*fail)(int), (*succeed)(int), (*with_header)(int), (*with_ctypes)(int), (*nested)(int);

int checked(int how) {
    epy_object *result;
    switch (how) {
    case 0: return epy_raise("SpamError", "%%d of %%s", 3, "spam");
    case 1: epy_raise("plugin.SpamError", "first"); return epy_raise("json.JSONDecodeError", "no");
    case 2: epy_raise("ValueError", "x"); epy_clear_error(); return 5;
    case 3: errno = ENOENT; return epy_raise_errno("/no/such");
    case 4: return epy_raise("NoSuchError", "x");
    case 5: result = epy_call(plugin, "fail", "i", 1);
            assert(result == NULL && epy_error_matches("plugin.SpamError"));
            return epy_raise_again();
    case 6: return fail(2);
    case 7: assert(fail(2) == -7 && epy_error_matches("KeyError")); epy_clear_error(); return 6;
    case 8: fail(2); return epy_raise("RuntimeError", "mine");
    case 9: return epy_raise("json.decoder.JSONDecodeError", "wrong number of arguments");
    case 11: epy_raise("ValueError", "first"); return epy_raise("KeyError", "the last counts");
    default: return how;
    }
}

int through(int how) {
    epy_raise("RuntimeError", "of the outer call");
    with_header(how);
    return 1;
}

static void sink(int level, const char *text, const epy_error *error, void *user) {
    printf("[%%s %%d %%s %%zu]\\n", (const char *)user, level, error ? error->type : "none",
           strlen(text));
}

int main(int argc, char **argv) {
    handle = dlopen(argv[argc - 1], RTLD_NOW);
    plugin = epy_plugin_of(handle);
    LOOK_UP(fail, "fail"); LOOK_UP(succeed, "succeed"); LOOK_UP(with_header, "with_header");
    LOOK_UP(with_ctypes, "with_ctypes"); LOOK_UP(nested, "nested");
    (void)sink;
    setvbuf(stdout, NULL, _IOLBF, 0);
    %s
    return 0;
}
"""


@pytest.fixture
def played(build_plugin, epy_host, run):
    def played(body, compiler="gcc", script=SCRIPT, main=HOST, **options):
        return run(epy_host(main % body, "-rdynamic", compiler=compiler), build_plugin(script))

    return played


@pytest.mark.once("counts a thread's errors from the process's first")
@pytest.mark.parametrize("compiler", ["gcc", "g++"])
def test_the_last_error_is_that_of_an_export(played, compiler):
    result = played(
        """
        assert(epy_last_error() == NULL && epy_last_error_info() == NULL);
        assert(!epy_error_matches("ValueError") && !epy_error_matches(NULL));
        assert(fail(0) == -7);
        const epy_error *error = epy_last_error_info();
        printf("%s|%s|%s|%d\\n", error->type, error->message, error->function,
               strcmp(error->plugin, argv[argc - 1]));
        assert(strstr(error->traceback, "in fail\\n") && strstr(error->traceback, "ValueError"));
        assert(*error->thread != 0 && error->count == 1);
        puts(epy_last_error());
        assert(succeed(3) == 3 && epy_error_matches("ValueError"));
        assert(fail(1) == -7 && epy_last_error_info()->count == 2);
        puts(epy_last_error());
        assert(epy_error_matches("plugin.Picky") && epy_error_matches("plugin.SpamError"));
        assert(epy_error_matches("SpamError") && epy_error_matches("OSError"));
        assert(epy_error_matches("Exception") && !epy_error_matches("spam.SpamError"));
        assert(!epy_error_matches("ValueError") && !epy_error_matches("Error"));
        epy_clear_error();
        assert(epy_last_error() == NULL && !epy_error_matches("OSError"));
        """,
        compiler,
    )
    assert result.stdout == (
        "ValueError|no\nvalue|export 'fail'|0\nValueError: no\nvalue\nplugin.Picky: picky\n"
    )


def test_each_thread_has_an_error_of_its_own(played):
    main = HOST.replace(
        "int main(",
        """
        static void *other(void *unused) {
            assert(epy_last_error() == NULL);
            assert(fail(2) == -7 && epy_error_matches("KeyError"));
            return unused;
        }
        int main(""",
    )
    played(
        """
        pthread_t thread;
        assert(fail(0) == -7);
        pthread_create(&thread, NULL, other, NULL);
        pthread_join(thread, NULL);
        assert(epy_error_matches("ValueError"));
        """,
        main=main,
    )


RAISED = [
    (0, "SpamError('3 of spam')"),
    (1, "JSONDecodeError"),
    (2, "returned 5"),
    (3, "FileNotFoundError(2, 'No such file or directory') of /no/such"),
    (4, "Error(\"epy_raise: no exception class 'NoSuchError' in the script, nor in Python\")"),
    (5, "Picky('picky')"),
    (10, "returned 10"),
    (11, "KeyError('the last counts')"),
]


@pytest.mark.parametrize("caller", ["with_header", "with_ctypes"])
def test_what_c_raises_is_raised_in_the_frame_that_called_it(played, caller):
    calls = "".join(f"{caller}({how});" for how, _ in RAISED if how != 1)
    lines = played(calls).stdout.splitlines()
    assert [line.partition(" in [")[0] for line in lines] == [
        text for how, text in RAISED if how != 1
    ]
    assert all("in ['tried'" in line for line in lines if not line.startswith("returned"))


def test_an_exception_that_went_through_c_keeps_its_traceback(played):
    line = played("with_header(5);").stdout
    assert line.startswith("Picky('picky') in ['tried', ") and line.endswith(", 'fail']\n")


def test_a_class_that_cannot_be_made_says_so(played):
    """Its own exception is raised: C has told that something is wrong."""
    lines = played("with_header(9);").stdout
    assert lines.startswith("TypeError(")


def test_c_sees_what_a_callback_below_it_has_raised(played):
    result = played("with_header(6); with_header(7); with_header(8);")
    first, second, third = result.stdout.splitlines()
    assert first.startswith("KeyError('key') in ['tried', ")
    assert second == "returned 6"
    assert third.startswith("RuntimeError('mine') while KeyError('key') in ['tried'")
    assert result.stderr == ""


def test_a_nested_call_has_an_exception_of_its_own(played):
    """`through` has raised before it calls Python, which calls C."""
    first, second = played("nested(10);").stdout.splitlines()
    assert first == "returned 10"
    assert second.startswith("RuntimeError('of the outer call') in ['tried'")


def test_without_a_caller_in_python_it_is_the_last_error(played):
    result = played(
        """
        assert(epy_raise("ValueError", "early") == -1);
        puts(epy_last_error());
        assert(succeed(1) == 1);
        assert(epy_raise("ValueError", "%s", "late") == -1);
        puts(epy_last_error());
        assert(epy_raise(NULL, "x") == -1 && epy_raise("ValueError", NULL) == -1);
        assert(epy_raise_again() == -1 && epy_error_matches("RuntimeError"));
        assert(succeed(2) == 2);
        """
    )
    assert result.stdout == (
        "epy.Error: no Python runs: start a plugin first, with epy_start\nValueError: late\n"
    )


def test_reports_go_to_the_sink_of_the_plugin_or_of_all(played):
    result = played(
        """
        assert(epy_set_log(NULL, sink, (void *)"all") == 0);
        assert(fail(2) == -7);
        assert(epy_set_log(plugin, sink, (void *)"own") == 0);
        assert(fail(2) == -7);
        epy_set_python("/x");
        assert(epy_set_log(plugin, NULL, NULL) == 0);
        fail(0);
        assert(epy_set_log(NULL, NULL, NULL) == 0);
        fail(1);
        """
    )
    first, second, third = result.stdout.splitlines()
    assert first.startswith("[all 3 KeyError ") and second.startswith("[own 3 KeyError ")
    assert third.startswith("[all 3 ValueError ")
    assert result.stderr.count("epy: exception in") == 1 and "picky" in result.stderr


def test_a_sink_goes_before_that_of_all_and_with_its_plugin(played):
    result = played(
        """
        assert(epy_set_log(plugin, sink, (void *)"own") == 0);
        assert(epy_set_log(NULL, sink, (void *)"all") == 0);
        fail(2);
        assert(dlclose(handle) == 0);
        handle = dlopen(argv[argc - 1], RTLD_NOW);
        LOOK_UP(fail, "fail");
        fail(2);
        """
    )
    assert [line[:5] for line in result.stdout.splitlines()] == ["[own ", "[all "]
    assert result.stderr == ""


def test_a_sink_may_wait_for_a_thread_that_calls_python(played):
    """It runs without Python's lock, as the host's call came."""
    main = HOST.replace(
        "static void sink(",
        """
        static void *other(void *unused) { assert(succeed(4) == 4); return unused; }
        static void waiting(int level, const char *text, const epy_error *error, void *user) {
            pthread_t thread;
            (void)level, (void)text, (void)error, (void)user;
            pthread_create(&thread, NULL, other, NULL);
            pthread_join(thread, NULL);
            fail(0);                           /* which goes to stderr */
            puts("waited");
        }
        static void sink(""",
    )
    result = played("epy_set_log(NULL, waiting, NULL); fail(2);", main=main)
    assert result.stdout == "waited\n"
    assert "ValueError: no\nvalue" in result.stderr and "KeyError: " not in result.stderr


def test_lines_of_the_loader_go_to_the_sink(played):
    result = played(
        """
        epy_set_log(NULL, sink, (void *)"all");
        epy_start(plugin);
        puts(epy_last_error());
        """,
        script=SCRIPT + "if not epy.building: raise SystemExit('no start')\n",
    )
    assert result.stdout.startswith("[all 3 SystemExit ")
    assert result.stdout.endswith("SystemExit: no start\n")
    assert result.stderr == ""
