"""Objects of a host that does not count them: it has them until it says that they are gone."""

from __future__ import annotations

import pytest

SCRIPT = """
import gc
import weakref
import epy

Node = epy.host_class("Node")
references = []

class Leaf(Node):
    pass

@epy.export("int anything(void)")
def anything():
    return 0

def mark(node, value):
    node.mark = value
    references.append(weakref.ref(node))

def mark_of(node):
    return node.mark

def make(value):
    leaf = Leaf()
    mark(leaf, value)
    return leaf.number()

def alive():
    gc.collect()
    return sum(one() is not None for one in references)

kept = []

def keep(node):
    kept.append(node)

def drop_kept():
    kept.clear()

def use_kept():
    try:
        kept[0].number()
    except epy.UnloadedError as error:
        return kept[0].mark
"""

HOST = """
#include <epy.h>
#undef NDEBUG
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct node { int number; };
static struct node nodes[8];
static int used;
static epy_plugin *plugin;

static int node_number(struct node *self) { return self->number; }
static void *node_new(void) {
    nodes[used].number = used;
    return &nodes[used++];
}
static void nothing(void *self) { (void)self; }

static void *forget(void *node) {
    epy_forget(node);
    return node;
}

static void run(const char *name, const char *format, ...) {
    epy_object *result;
    va_list values;
    va_start(values, format);
    result = epy_call_va(plugin, name, format, values);
    va_end(values);
    if (result == NULL) puts(epy_last_error());
    assert(result != NULL);
    epy_object_release(result);
}

static int number_of(const char *name, epy_object *argument) {
    int number = -1;
    epy_object *result = epy_call(plugin, name, argument ? "N" : "", argument);
    assert(epy_parse(result, "i", &number) == 0);
    epy_object_release(result);
    return number;
}

int main(int argc, char **argv) {
    const epy_method methods[] = {
        {"int node_number(Node *)", (epy_function *)node_number, "number"}, {NULL, NULL, NULL}};
    const epy_class described = {"Node", NULL, NULL, node_new, methods};
    const epy_class half = {"Half", nothing, NULL, NULL, NULL};
    const epy_class other = {"Half", NULL, nothing, NULL, NULL};
    setvbuf(stdout, NULL, _IOLBF, 0);
    assert(epy_register_class(&half) == -1 && epy_register_class(&other) == -1);
    assert(strstr(epy_last_error(), "one of retain and release"));
    assert(epy_register_class(&described) == 0);
    plugin = epy_plugin_of(dlopen(argv[argc - 1], RTLD_NOW));
    assert(epy_start(plugin) == 0);
    (void)run, (void)number_of, (void)forget;
    %s
    return 0;
}
"""


@pytest.fixture
def played(build_plugin, epy_host, run):
    def played(body, compiler="gcc"):
        run(epy_host(HOST % body, "-pthread", compiler=compiler), build_plugin(SCRIPT))

    return played


@pytest.mark.parametrize("compiler", ["gcc", "g++"])
def test_a_wrapper_stays_until_its_object_is_forgotten(played, compiler):
    played(
        """
        struct node *node = (struct node *)node_new();
        run("mark", "Ni", epy_wrap("Node", node), 7);
        assert(number_of("alive", NULL) == 1);
        assert(number_of("mark_of", epy_wrap("Node", node)) == 7);
        epy_forget(node);
        assert(number_of("alive", NULL) == 0);
        """,
        compiler,
    )


def test_what_a_script_makes_stays_as_well(played):
    """With its class, and what the script has set."""
    played(
        """
        epy_object *wrapper;
        assert(number_of("make", epy_build("i", 5)) == 0);
        assert(number_of("alive", NULL) == 1);
        wrapper = epy_wrap("Node", &nodes[0]);
        assert(epy_object_is(wrapper, "Leaf") == 1 && number_of("mark_of", wrapper) == 5);
        epy_forget(&nodes[0]);
        epy_forget(&nodes[0]);
        assert(number_of("alive", NULL) == 0);
        """
    )


def test_a_wrapper_that_python_keeps_says_that_its_object_is_gone(played):
    """The place may be another object's by then, which gets a wrapper of its own."""
    played(
        """
        struct node *node = (struct node *)node_new();
        run("mark", "Ni", epy_wrap("Node", node), 3);
        run("keep", "N", epy_wrap("Node", node));
        epy_forget(node);
        assert(number_of("use_kept", NULL) == 3);
        assert(epy_call(plugin, "mark_of", "N", epy_wrap("Node", node)) == NULL);
        assert(epy_error_matches("AttributeError"));
        """
    )


def test_an_object_is_forgotten_while_python_is_busy(played):
    """By a destructor that nobody may keep waiting: here, for a thread that waits for it."""
    played(
        """
        pthread_t thread;
        epy_scope scope;
        struct node *node = (struct node *)node_new();
        epy_object *wrapper = epy_wrap("Node", node);
        alarm(600);                             /* it hangs */
        assert(epy_enter(&scope) == 0);
        pthread_create(&thread, NULL, forget, node);
        pthread_join(thread, NULL);
        assert(epy_unwrap(wrapper, "Node") == NULL && epy_error_matches("UnloadedError"));
        epy_leave(&scope);
        assert(number_of("alive", NULL) == 0);
        epy_object_release(wrapper);
        """
    )


RANDOM = """
        /* What ought to be, beside what is. */
        struct { int mark; int kept; } model[8] = {{0, 0}};
        unsigned state = SEED;
        #define ANY(n) ((state = state * 1103515245u + 12345u) >> 16) % (n)
        int last = 0, step;
        for (step = 0; step < 3000; ++step) {
            const unsigned at = ANY(8);
            struct node *node = &nodes[at];
            switch (ANY(6)) {
            case 0:
                epy_forget(node);
                model[at].mark = 0;
                break;
            case 1:
                run("mark", "Ni", epy_wrap("Node", node), ++last);
                model[at].mark = last;
                break;
            case 2:
                run("keep", "N", epy_wrap("Node", node));
                break;
            case 3: {
                epy_object *wrapper = epy_wrap("Node", node), *same = epy_wrap("Node", node);
                assert(wrapper == same && epy_unwrap(wrapper, "Node") == node);
                epy_object_release(wrapper);
                epy_forget(node);
                model[at].mark = 0;
                assert(epy_unwrap(same, "Node") == NULL && epy_error_matches("UnloadedError"));
                epy_object_release(same);
                break;
            }
            case 4:
                run("drop_kept", "");
                break;
            default:
                if (model[at].mark != 0) {
                    assert(number_of("mark_of", epy_wrap("Node", node)) == model[at].mark);
                } else {
                    assert(epy_call(plugin, "mark_of", "N", epy_wrap("Node", node)) == NULL);
                }
            }
        }
        for (step = 0; step < 8; ++step) epy_forget(&nodes[step]);
        run("drop_kept", "");
        assert(number_of("alive", NULL) == 0);
"""


@pytest.mark.parametrize("seed", range(2))
def test_random_sequences_of_wrap_and_forget(played, seed):
    played(RANDOM.replace("SEED", str(seed + 1)))
