"""A C++ host that throws, ends things in the wrong order, and mixes its classes up."""

from __future__ import annotations

import pytest

SCRIPT = """
import epy, gc
from ctypes import c_int

@epy.export(error=-1)
def add(a: c_int, b: c_int) -> c_int:
    return a + b

@epy.export(error=-1)
def fail(number: c_int) -> c_int:
    raise ValueError(number)

class Thing:
    pass

def twice(number):
    return 2 * number

def hand_out():
    return twice

def make():
    return epy.host_class("Thrower")()

held = None

def hold(object):
    global held
    held = object

def collect():
    gc.collect()
"""

HOST = """
#include <epy.hpp>

#undef NDEBUG
#include <cassert>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <unistd.h>

static int (*add)(int, int), (*fail)(int);
static void *handle;

class Node : public epy::host_class<Node> {
public:
    Node() { ++live; }
    ~Node() { --live; }
    static inline std::atomic<int> live = 0;
};

[[maybe_unused]] static void throwing(int how) {
    if (how == 0) throw std::runtime_error("here");
    throw how;
}

%s

int main(int argc, char **argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    handle = dlopen(argv[argc - 1], RTLD_NOW);
    epy::plugin plugin(handle);
    *reinterpret_cast<void **>(&add) = dlsym(handle, "add");
    *reinterpret_cast<void **>(&fail) = dlsym(handle, "fail");
    plugin.start();
    %s
    std::puts("over");
    return 0;
}
"""


@pytest.fixture
def played(build_plugin, epy_host, run):
    def played(body, functions="", status=0):
        host = epy_host(HOST % (functions, body), "-rdynamic", "-pthread", compiler="g++")
        return run(host, build_plugin(SCRIPT), status=status)

    return played


def test_what_a_sink_throws_is_dropped_and_its_report_is_not(played):
    result = played(
        """
        for (int how = 0; how < 2; ++how) {
            epy_set_log(plugin.get(), sink, reinterpret_cast<void *>(how));
            assert(fail(how) == -1 && epy_error_matches("ValueError") && add(1, 2) == 3);
            assert(std::uncaught_exceptions() == 0);
        }
        assert(calls == 2);
        """,
        """
static int calls;
static void sink(int, const char *, const epy_error *, void *how) {
    ++calls;
    throwing(static_cast<int>(reinterpret_cast<std::intptr_t>(how)));
}
""",
    )
    assert result.stderr.count("exception in export 'fail'") == 2


def test_a_visitor_that_throws_is_told_so(played):
    played(
        """
        for (std::intptr_t how = 0; how < 2; ++how) {
            epy_clear_error();
            assert(epy_each_export(plugin.get(), visit, reinterpret_cast<void *>(how)) == -1);
            assert(std::strstr(epy_last_error(), "a C++ exception left the function to call"));
            assert(add(1, 2) == 3);
        }
        """,
        """
static int visit(const char *, const char *, void *, void *how) {
    throwing(static_cast<int>(reinterpret_cast<std::intptr_t>(how)));
    return 0;
}
""",
    )


@pytest.mark.parametrize("hook", ["retain", "create", "release", "method", "memory"])
def test_a_function_below_python_that_throws_ends_the_process_with_a_line(played, hook):
    result = played(
        """
        static const epy_method methods[] = {
            {"void method(Thrower *self)", epy::method(in_method), nullptr}, {},
        };
        static const epy_class thrower = {"Thrower", in_retain, in_release, in_create, methods};
        assert(epy_register_class(&thrower) == 0);
        epy::object made = plugin.call("make"), wrapper(epy_wrap("Thrower", &made));
        wrapper.call("method");
        made = epy::object();
        epy_object_release(epy_memory(&made, 1, 1, in_memory, nullptr));
        epy_object_release(epy_build("i", 1));
        """,
        f"""
static void throw_in(const char *hook) {{
    if (std::strcmp(hook, "{hook}") == 0) throw std::runtime_error("here");
}}
static void in_retain(void *) {{ throw_in("retain"); }}
static void in_release(void *) {{ throw_in("release"); }}
static void *in_create() {{
    static char made;
    throw_in("create");
    return &made;
}}
static void in_method(void *) {{ throw_in("method"); }}
static void in_memory(void *) {{ throw_in("memory"); }}
""",
        status=-6,
    )
    assert result.stderr.startswith("epy: a C++ exception crossed Python below ")


@pytest.mark.parametrize("where", ["a log sink", "a visitor"])
def test_a_thread_cannot_end_in_a_function_that_epy_waits_for(played, where):
    """It stays there, whether it had Python's lock or not; others have that."""
    result = played(
        f"""
        const bool in_sink = std::strcmp("{where}", "a log sink") == 0;
        epy_set_log(plugin.get(), sink, nullptr);
        for (int round = 0; round < 2; ++round) {{
            std::thread([&] {{
                epy_scope scope;
                if (round == 1) epy_enter(&scope);
                in_sink ? fail(0) : epy_each_export(plugin.get(), visit, nullptr);
                std::abort();
            }}).detach();
            while (ended <= round) std::this_thread::yield();
            while (round == 0 && add(1, 2) != 3) std::abort();
        }}
        assert(add(1, 2) == 3);
        std::fflush(stdout);
        _exit(0);
        """,
        """
static std::atomic<int> ended;
static void sink(int, const char *, const epy_error *, void *) { ++ended, pthread_exit(nullptr); }
static int visit(const char *, const char *, void *, void *) { ++ended, pthread_exit(nullptr); }
""",
    )
    assert f"epy: pthread_exit was called in {where}, where a thread cannot end" in result.stderr


def test_a_thread_is_cancelled_behind_the_functions_that_epy_waits_for(played):
    played(
        """
        epy_set_log(plugin.get(), sink, nullptr);
        std::thread thread([&] {
            fail(0);
            epy_each_export(plugin.get(), visit, nullptr);
            assert(reached == 4);
            for (;;) pthread_testcancel();
        });
        while (reached == 0) std::this_thread::yield();
        pthread_cancel(thread.native_handle());
        reached = 2;
        thread.join();
        assert(reached == 4 && add(1, 2) == 3);
        """,
        """
static std::atomic<int> reached;
static void sink(int, const char *, const epy_error *, void *) {
    reached = 1;
    while (reached == 1) std::this_thread::yield();
    pthread_testcancel();
    reached = 3;
}
static int visit(const char *, const char *, void *, void *) {
    pthread_testcancel();
    reached = 4;
    return 1;
}
""",
    )


@pytest.mark.once("the process's exit is looked at")
def test_references_and_scopes_end_in_any_order(played):
    """Also after dlclose, and in destructors behind main. What belongs to no plugin stays."""
    result = played(
        """
        auto *thing = new epy::object(plugin.call("Thing"));
        auto *outer = new epy::batch, *inner = new epy::batch;
        auto *pause = new epy::pause;
        delete outer, delete thing, delete inner, delete pause;
        std::thread([] { assert(add(1, 2) == 3); }).join();
        at_end.object = plugin.call("Thing");
        at_end.callback = {plugin.call("hand_out"), "int (*)(int)"};
        assert(at_end.callback(4) == 8);
        at_end.late = new epy::object(plugin.call("Thing"));
        std::atexit([] {
            assert(at_end.callback(4) == 8 && add_is_refused());
            std::puts("at exit");
        });
        assert(dlclose(handle) == 0);
        """,
        """
static struct {
    epy::object object;
    epy::callback<int(int)> callback;
    epy::object *late;
} at_end;
static struct last { ~last() { delete at_end.late; } } last;
static bool add_is_refused() {
    try {
        epy::plugin gone(handle);
        return false;
    } catch (const epy::error &) {
        return true;
    }
}
""",
    )
    assert (result.stdout, result.stderr) == ("over\nat exit\n", "")


def test_classes_are_not_mixed_up(played):
    played(
        """
        Node::register_as("Node", nullptr);
        try {
            Node::register_as("Node", nullptr);
            assert(false);
        } catch (const epy::error &failed) {
            assert(std::strstr(failed.what(), "there is a class 'Node' already"));
        }
        static const epy_class other = {"Other", nullptr, nullptr, nullptr, nullptr};
        assert(epy_register_class(&other) == 0 && epy_register_class(&other) == -1);
        Node *node = new Node;
        for (int round = 0; round < 3; ++round) {
            epy::object wrapper = node->wrapper();
            assert(epy_unwrap(wrapper.get(), "Other") == nullptr);
            assert(std::strstr(epy_last_error(), "expected the host's Other, got Node"));
            assert(epy_unwrap(wrapper.get(), "None") == nullptr);
            assert(std::strstr(epy_last_error(), "the host has no class 'None'"));
            assert(epy_wrap("Other", node) == nullptr);
            assert(std::strstr(epy_last_error(), "is wrapped already, as Node"));
            assert(epy_unwrap(wrapper.get(), "Node") == node);
            epy_forget(node), epy_forget(node);
            epy_share(node, 1), epy_share(node, 0);
            assert(epy_unwrap(wrapper.get(), "Node") == nullptr);
            assert(std::strstr(epy_last_error(), "the host's Node is gone"));
        }
        epy_forget(reinterpret_cast<void *>(1)), epy_share(reinterpret_cast<void *>(1), 1);
        """
    )


def test_formats_and_lengths_that_are_none(played):
    """What a format says to be text is text; all else is told."""
    played(
        """
        static const char *const none[] = {
            "q", "%", "i(", "}", "{i", "{i:", "O&", "O!", "es", "et#", "w*", "y*", "((((", "[i",
            "i]", "\\xff", "{ii}",
        };
        static char text[64];
        epy::object one = epy::build("i", 1);
        void *places[8];
        for (void *&place : places) place = text;
        for (const char *format : none) {
            epy_clear_error();
            epy_object *made = epy_build(format, text, text, text, text);
            assert(made == nullptr ? epy_last_error() != nullptr : epy_object_refcount(made) == 1);
            epy_object_release(made);
            epy_clear_error();
            assert(epy_parse(one.get(), format, places[0], places[1], places[2], places[3]) == -1);
            assert(epy_last_error() != nullptr);
        }
        assert(epy_memory(text, SIZE_MAX, 1, nullptr, nullptr) == nullptr);
        assert(epy_build("y#", text, PTRDIFF_MAX) == nullptr);
        const std::string name(1000000, 'x');
        assert(epy_call(plugin.get(), name.c_str(), nullptr) == nullptr);
        assert(epy_get(one.get(), name.c_str()) == nullptr);
        assert(epy_object_is(one.get(), name.c_str()) == 0);
        assert(epy_raise(name.c_str(), "%s", name.c_str()) == -1);
        assert(epy_callback_new(one.get(), name.c_str(), nullptr) == nullptr);
        assert(epy_wrap(name.c_str(), text) == nullptr);
        assert(add(1, 2) == 3);
        """
    )


def test_threads_count_while_python_collects(played):
    played(
        """
        Node::register_as("Node", nullptr);
        Node *shared = new Node;
        epy::object wrapper = shared->wrapper();
        plugin.call("hold", "O", wrapper.get());
        std::atomic<bool> is_over = false;
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                while (!is_over) {
                    epy::object copy = wrapper;
                    shared->retain(), shared->release();
                    Node *own = new Node;
                    const epy::object lost = own->wrapper();
                    own->retain(), own->release(), own->release();
                }
            });
        }
        for (int i = 0; i < 100; ++i) plugin.call("collect");
        is_over = true;
        for (std::thread &one : threads) one.join();
        wrapper = {};
        plugin.call("hold", "O", nullptr);
        shared->release();
        plugin.call("collect");
        assert(Node::live == 0);
        """
    )
