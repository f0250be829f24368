"""epy.h called from where epy calls the host: sinks, visitors, hooks, host functions, children."""

from __future__ import annotations

import pytest

SCRIPT = """
import epy
from ctypes import c_int

host = epy.header("int of_host(int what);")

if not epy.building:
    host.of_host(0)

@epy.export(error=-1)
def add(a: c_int, b: c_int) -> c_int:
    return a + b

@epy.export(error=-1)
def fail(number: c_int) -> c_int:
    raise ValueError(number)

@epy.export(error=-1)
def ask(what: c_int) -> c_int:
    return host.of_host(what)

@epy.on_unload
def hook():
    host.of_host(-1)
"""


@pytest.fixture
def played(play):
    return lambda *of_host: play(SCRIPT, *of_host).stdout


def test_a_sink_that_fails_itself_is_not_called_for_that(played):
    lines = played(
        """
        assert(add(1, 2) == 3);
        epy_set_log(plugin, sink, NULL);
        assert(fail(1) == -1);
        assert(strcmp(epy_last_error(), "ValueError: 1") == 0 || depth == 0);
        printf("%d\\n", calls);
        """,
        """
static int calls, depth;
static void sink(int level, const char *text, const epy_error *error, void *user) {
    (void)level, (void)text, (void)error, (void)user;
    ++calls;
    if (++depth < 1000) fail(2);
    --depth;
}
""",
    )
    assert lines == "1\n"


def test_a_sink_may_take_itself_back(played):
    lines = played(
        """
        epy_set_log(plugin, sink, NULL);
        assert(fail(1) == -1);
        puts("over");
        """,
        """
static void sink(int level, const char *text, const epy_error *error, void *user) {
    (void)level, (void)text, (void)user;
    assert(epy_set_log(plugin, NULL, NULL) == 0 && add(1, 2) == 3);
    if (error != NULL) puts(error->type);
}
""",
    )
    assert lines == "ValueError\nover\n"


def test_a_visitor_may_unload_the_plugin(played):
    lines = played(
        """
        assert(epy_each_export(plugin, visit, NULL) == 0);
        printf("%d %d\\n", visits, (int)epy_plugin_state(plugin));
        """,
        """
static int visits;
static int visit(const char *name, const char *prototype, void *address, void *user) {
    assert(*name != 0 && *prototype != 0 && address != NULL && user == NULL);
    if (visits++ == 0) assert(epy_unload(plugin, 600000) == 0);
    return 0;
}
""",
    )
    assert lines == "3 4\n"


def test_a_function_that_a_script_calls_may_unload_its_plugin(played):
    """The call goes on; what it would wait for is only itself."""
    lines = played(
        """
        assert(ask(1) == 5);
        assert(epy_unload(plugin, 600000) == 0 && add(1, 2) == -1);
        puts("over");
        """,
        """
int of_host(int what) {
    if (what == 1) epy_unload(plugin, 600000);
    return what == 1 ? 5 : 0;
}
""",
    )
    assert lines == "over\n"


def test_a_script_s_start_cannot_unload_its_plugin_nor_start_it(played):
    lines = played(
        """
        assert(add(1, 2) == 3);
        puts("over");
        """,
        """
int of_host(int what) {
    if (what == 0) {
        assert(epy_start(plugin) == -1 && epy_call(plugin, "add", "ii", 1, 2) == NULL);
        assert(strstr(epy_last_error(), "start waits for this thread"));
    }
    return what;
}
""",
    )
    assert lines == "over\n"


def test_a_hook_does_not_wait_for_itself(played):
    lines = played(
        """
        assert(add(1, 2) == 3 && epy_unload(plugin, 600000) == 0);
        puts("over");
        """,
        """
int of_host(int what) {
    if (what == -1) {
        epy_object *text = epy_build("s", "hook");
        const char *line;
        epy_scope scope;
        assert(epy_parse(text, "s", &line) == 0 && epy_enter(&scope) == 0);
        puts(line);
        epy_leave(&scope), epy_object_release(text);
        epy_object_release(epy_call(plugin, "add", "ii", 1, 2));
        assert(epy_start(plugin) == -1 && epy_unload(plugin, 600000) == -1);
        assert(strstr(epy_last_error(), "on_unload is not over yet"));
    }
    return what;
}
""",
    )
    assert lines == "hook\nover\n"


def test_a_child_goes_on_in_its_parents_scope(played):
    played(
        """
        epy_scope scope, pause;
        int status = -1;
        assert(add(1, 2) == 3 && epy_enter(&scope) == 0);
        pid_t child = fork();
        if (child == 0) {
            assert(add(1, 2) == 3);
            epy_pause(&pause);
            call_elsewhere();
            epy_resume(&pause);
            epy_leave(&scope);
            call_elsewhere();
            _exit(0);
        }
        assert(waitpid(child, &status, 0) == child && status == 0);
        epy_leave(&scope);
        call_elsewhere();
        """
    )
