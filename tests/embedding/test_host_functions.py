"""Each function of the host's that epy calls does everything that a host may do."""

from __future__ import annotations

import pytest

SCRIPT = """
import epy, gc
from ctypes import c_int

host = epy.header("int of_host(int what);")
held = []

@epy.export(error=-1)
def add(a: c_int, b: c_int) -> c_int:
    return a + b

@epy.export(error=-1)
def fail(number: c_int) -> c_int:
    raise ValueError(number)

@epy.export(error=-1)
def ask(what: c_int) -> c_int:
    return host.of_host(what)

class Plain:
    pass

def make():
    return epy.host_class("Thing")()

def act(thing):
    return thing.act()

def hold(thing):
    held.append(thing)

def drop():
    held.clear()
    gc.collect()

@epy.on_unload
def end():
    held.clear()
"""
OTHER = """
import epy
from ctypes import c_int

@epy.export
def other(number: c_int) -> c_int:
    return number + 1
"""
# `play` has the rest of the host. `act` runs in each place, and in the one that the process is
# about, ever deeper: what it calls leads back to it.
FUNCTIONS = """
static const char *place, *action, *other_path;
static char first, second; /* things */
static int acts, depth, is_closed;
static void *opened;
static int nothing(const char *name, const char *prototype, void *address, void *user) {
    (void)name, (void)prototype, (void)address, (void)user;
    return 0;
}
static void *weak_elsewhere(void *unused) {
    epy_object *plain = epy_call(plugin, "Plain", NULL), *weak = epy_weak(plain), *locked;
    epy_object_release(plain);
    locked = epy_weak_lock(weak);
    assert(locked == NULL);
    epy_object_release(weak);
    return unused;
}
static void harmless(void) {
    int (*other)(int);
    void *handle = dlopen(other_path, RTLD_NOW);
    epy_scope scope;
    pthread_t thread;
    pid_t child;
    int status = 0;
    *(void **)&other = dlsym(handle, "other");
    assert(other(1) == 2 && dlclose(handle) == 0);
    assert(add(1, 2) == 3 && fail(1) == -1);
    assert(epy_each_export(plugin, nothing, NULL) == 0);
    epy_forget(&second), epy_share(&first, 1), epy_share(&first, 0);
    epy_object_release(epy_wrap("Thing", &first));
    weak_elsewhere(NULL);
    assert(epy_enter(&scope) == 0 && add(2, 2) == 4), epy_leave(&scope);
    epy_pause(&scope);
    assert(pthread_create(&thread, NULL, weak_elsewhere, NULL) == 0);
    assert(pthread_join(thread, NULL) == 0);
    epy_resume(&scope);
    child = fork();
    if (child == 0) _exit(add(1, 2) == 3 ? 0 : 1);
    assert(waitpid(child, &status, 0) == child && status == 0);
    epy_raise("ValueError", "%s", "taken back"), epy_clear_error();
}
static void act(const char *where) {
    if (strcmp(where, place) != 0 || depth == 2) return;
    ++depth, ++acts;
    if (strcmp(action, "harmless") == 0) harmless();
    if (strcmp(action, "unload") == 0) epy_unload(plugin, 100);
    if (strcmp(action, "exit") == 0) exit(3);
    if (strcmp(action, "close") == 0 && acts == 1) is_closed = 1, dlclose(opened);
    --depth;
}
int of_host(int what) { act("a C function"); return what; }
static void retain(void *thing) { (void)thing, act("retain"); }
static void release(void *thing) { (void)thing, act("release"); }
static void *create(void) { act("create"); return &second; }
static int method(void *thing) { (void)thing, act("a method"); return 5; }
static void end_of_memory(void *user) { (void)user, act("the end of a memory"); }
static void sink(int level, const char *text, const epy_error *error, void *user) {
    (void)level, (void)text, (void)error, (void)user, act("a sink");
}
static int visit(const char *name, const char *prototype, void *address, void *user) {
    act("a visitor");
    return nothing(name, prototype, address, user);
}
static void *everything(void *unused) {
    for (int round = 0; round < 2 && epy_plugin_state(plugin) == EPY_READY; ++round) {
        epy_object *thing, *memory;
        if (!is_closed) ask(1);
        if (!is_closed) fail(1);
        epy_each_export(plugin, visit, NULL);
        thing = epy_wrap("Thing", &first);
        epy_object_release(epy_call(plugin, "act", "O", thing));
        epy_object_release(epy_call(plugin, "hold", "O", thing));
        epy_share(&first, 0), epy_object_release(thing);
        epy_object_release(epy_call(plugin, "make", NULL));
        memory = epy_memory(&first, 1, 1, end_of_memory, NULL);
        epy_object_release(epy_call(plugin, "hold", "O", memory));
        epy_object_release(memory);
        epy_object_release(epy_call(plugin, "drop", NULL));
        epy_object_release(epy_build("i", 1));
    }
    return unused;
}
"""
BODY = """
    static const epy_method methods[] = {
        {"int act(Thing *self)", (epy_function *)method, NULL}, {NULL, NULL, NULL},
    };
    static const epy_class of_things = {"Thing", retain, release, create, methods};
    pthread_t thread;
    place = argv[1], action = argv[2], other_path = argv[3], opened = handle;
    assert(epy_register_class(&of_things) == 0 && epy_start(plugin) == 0);
    assert(epy_set_log(plugin, sink, NULL) == 0);
    everything(NULL);
    assert(pthread_create(&thread, NULL, everything, NULL) == 0);
    assert(pthread_join(thread, NULL) == 0);
    printf("%s\\n", acts == 0 ? "never" : "over");
"""
PLACES = (
    "a C function", "retain", "release", "create", "a method", "the end of a memory", "a sink",
    "a visitor",
)  # fmt: skip


@pytest.mark.once("closes a plugin that a call is in, whose end no round waits for")
@pytest.mark.parametrize("place", PLACES)
def test_a_function_of_the_hosts_does_what_it_likes(embedding_host, build_plugin, run, place):
    """It calls, fails, wraps, forgets, forks, starts others, waits for threads; in other processes
    it unloads the plugin, closes it, or exits. All that called it goes on."""
    host = embedding_host(BODY, FUNCTIONS)
    other = build_plugin(OTHER, name="other")
    plugin = build_plugin(SCRIPT)
    for action in ("harmless", "unload", "close"):
        assert run(host, place, action, other, plugin).stdout == "over\n", action
    run(host, place, "exit", other, plugin, status=3)
