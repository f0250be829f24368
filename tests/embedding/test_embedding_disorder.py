"""epy.h used out of order, on the wrong thread, at the wrong time, and by many threads at once."""

from __future__ import annotations

import pytest

SCRIPT = """
import epy
from ctypes import c_int

host = epy.header("int of_host(int what);")

@epy.export(error=-1)
def add(a: c_int, b: c_int) -> c_int:
    return a + b

class Thing:
    value = 0

class Last:
    def __del__(self):
        host.of_host(0)

class Emptying:
    def __init__(self, all):
        self.all = all

    def __index__(self):
        self.all.clear()
        return 7

def emptied():
    all = [object(), None]
    all[1] = Emptying(all)
    return all

class Anew:
    def __len__(self):
        return 1

    def __getitem__(self, index):
        return "text " * 1000

def nested():
    return ([1, ("text", [object()])], 3)
"""


@pytest.fixture
def played(play):
    return lambda *of_host: play(SCRIPT, *of_host)


# ---- scopes


def test_a_scope_that_is_not_open_is_not_left(played):
    played(
        """
        epy_scope scope;
        memset(&scope, 0xaa, sizeof scope);
        epy_leave(&scope);
        assert(add(1, 2) == 3);
        epy_resume(&scope), epy_pause(&scope), epy_resume(&scope), epy_leave(&scope);
        assert(epy_error_matches("RuntimeError"));
        assert(strstr(epy_last_error(), "not open on this thread"));
        assert(epy_enter(&scope) == 0);
        epy_leave(&scope), epy_leave(&scope);
        call_elsewhere();
        """
    )


def test_a_scope_is_entered_once(played):
    played(
        """
        epy_scope scope;
        assert(add(1, 2) == 3 && epy_enter(&scope) == 0);
        assert(epy_enter(&scope) == -1);
        assert(strstr(epy_last_error(), "the scope is open on this thread: leave it first"));
        assert(add(1, 2) == 3);
        epy_leave(&scope);
        call_elsewhere();
        """
    )


def test_scopes_may_be_left_in_any_order(played):
    played(
        """
        epy_scope first, second, pause;
        assert(add(1, 2) == 3 && epy_enter(&first) == 0 && epy_enter(&second) == 0);
        epy_leave(&first);
        assert(add(1, 2) == 3);
        epy_leave(&second);
        call_elsewhere();
        assert(epy_enter(&first) == 0);
        epy_pause(&pause);
        epy_leave(&first);
        call_elsewhere();
        epy_resume(&pause);
        call_elsewhere();
        assert(add(1, 2) == 3);
        """
    )


def test_one_scope_serves_for_both(played):
    """As a host may read it: enter, pause, resume, leave, all of one."""
    played(
        """
        epy_scope scope;
        assert(add(1, 2) == 3 && epy_enter(&scope) == 0);
        epy_pause(&scope), epy_pause(&scope);
        call_elsewhere();
        epy_resume(&scope), epy_resume(&scope);
        assert(add(1, 2) == 3);
        epy_leave(&scope);
        call_elsewhere();
        """
    )


def test_a_scope_is_left_on_its_own_thread(played):
    played(
        """
        epy_scope scope;
        pthread_t thread;
        assert(add(1, 2) == 3 && epy_enter(&scope) == 0);
        pthread_create(&thread, NULL, leave, &scope);
        pthread_join(thread, NULL);
        assert(add(1, 2) == 3);
        epy_leave(&scope);
        call_elsewhere();
        """,
        """
static void *leave(void *scope) {
    epy_leave((epy_scope *)scope);
    assert(strstr(epy_last_error(), "not open on this thread"));
    epy_resume((epy_scope *)scope);
    return NULL;
}
""",
    )


def test_a_plugin_is_unloaded_within_a_scope(played):
    played(
        """
        epy_scope scope;
        assert(add(1, 2) == 3 && epy_enter(&scope) == 0);
        assert(epy_unload(plugin, 600000) == 0);
        assert(add(1, 2) == -1 && epy_call(plugin, "add", "ii", 1, 2) == NULL);
        epy_leave(&scope);
        assert(epy_enter(&scope) == 0);
        epy_leave(&scope);
        """
    )


# ---- objects


def test_ten_threads_share_an_object(played):
    played(
        """
        pthread_t threads[10];
        epy_object *weak;
        assert(epy_start(plugin) == 0);
        shared = epy_call(plugin, "Thing", NULL);
        weak = epy_weak(shared);
        for (int i = 0; i < 10; ++i) pthread_create(&threads[i], NULL, use, weak);
        for (int i = 0; i < 10; ++i) pthread_join(threads[i], NULL);
        assert(epy_object_refcount(shared) == 1);
        epy_object_release(shared);
        epy_clear_error();
        assert(epy_weak_lock(weak) == NULL && epy_last_error() == NULL);
        epy_object_release(weak);
        """,
        """
static void *use(void *weak) {
    for (int i = 0; i < 200; ++i) {
        epy_object *mine = i & 1 ? epy_object_retain(shared) : epy_weak_lock((epy_object *)weak);
        epy_object *value = epy_build("i", i), *again;
        int number = -1;
        assert(mine == shared && epy_object_is(mine, "Thing") == 1);
        assert(epy_set(mine, "value", value) == 0);
        again = epy_get(mine, "value");
        assert(epy_parse(again, "i", &number) == 0 && number >= 0);
        epy_object_release(again), epy_object_release(value), epy_object_release(mine);
    }
    return NULL;
}
""",
    )


def test_an_object_that_dies_is_retained_no_more(played):
    """Its __del__ calls the host, which has the last reference in its hands still."""
    result = played(
        """
        assert(epy_start(plugin) == 0);
        shared = epy_call(plugin, "Last", NULL);
        assert(shared != NULL && epy_object_refcount(shared) == 1);
        epy_object_release(shared);
        epy_object_release(epy_build("i", 1)); /* whoever has Python's lock next lets go */
        puts("over");
        """,
        """
int of_host(int what) {
    assert(epy_object_retain(shared) == NULL && epy_object_refcount(shared) == 0);
    epy_object_release(shared), epy_object_release(shared);
    assert(epy_weak(shared) == NULL && epy_get(shared, "x") == NULL);
    puts("dying");
    return what;
}
""",
    )
    assert result.stdout == "dying\nover\n"


# ---- values that change while they are read


def test_a_list_may_be_emptied_while_it_is_parsed(played):
    played(
        """
        epy_object *all, *first = NULL;
        int number = 0;
        assert(epy_start(plugin) == 0);
        all = epy_call(plugin, "emptied", NULL);
        assert(epy_parse(all, "(Oi)", &first, &number) == 0 && number == 7);
        assert(epy_object_is(first, "object") == 1 && epy_object_refcount(first) == 1);
        epy_object_release(first), epy_object_release(all);
        """
    )


def test_nested_values_are_tuples_and_lists(played):
    """Items that a sequence makes anew would be gone before the host has them."""
    played(
        """
        epy_object *anew, *nested, *object = NULL;
        const char *text = NULL;
        int one = 0, three = 0;
        assert(epy_start(plugin) == 0);
        anew = epy_call(plugin, "Anew", NULL);
        assert(epy_parse(anew, "(s)", &text) == -1 && epy_error_matches("TypeError"));
        assert(strstr(epy_last_error(), "expected a tuple or list for '(s)', got Anew"));
        assert(epy_parse(anew, "(O)", &object) == -1 && object == NULL);
        nested = epy_call(plugin, "nested", NULL);
        assert(epy_parse(nested, "(i(s(O)))i", &one, &text, &object, &three) == 0);
        assert(one == 1 && three == 3 && strcmp(text, "text") == 0);
        assert(epy_object_is(object, "object") == 1);
        epy_object_release(object);
        assert(epy_parse(nested, "(i(s(OO)))i", &one, &text, &object, &object, &three) == -1);
        assert(epy_parse(nested, "(i(s(O))i)i", &one, &text, &object, &three, &one) == -1);
        assert(epy_parse(nested, "((i)(s(O)))i", &one, &text, &object, &three) == -1);
        assert(epy_parse(nested, "(i(s()))i", &one, &text, &three) == -1);
        epy_object_release(nested), epy_object_release(anew);
        """
    )
