"""Which wrapper an object has: while the process forks and exits, and when the host's own functions
wrap."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent

SCRIPT = """
import epy

MyClass = epy.host_class("MyClass")

@epy.export("int anything(void)")
def anything():
    return 0

def mark(object):
    object.mark = 7

def make():
    try:
        return MyClass()
    except RuntimeError as error:
        print(error)
    except Exception as error:
        print(repr(error))
"""

HOST = """
#include "myclass.h"

#undef NDEBUG
#include <atomic>
#include <cassert>
#include <dlfcn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

static epy_plugin *plugin;
static std::atomic<bool> wraps_when_retained{false}, wraps_when_made{false};
static std::atomic<bool> raises_when_made{false}, gives_nothing{false};
static epy_object *of_retain = nullptr;

static void retain(void *self) {
    MyClass::retain(static_cast<MyClass *>(self));
    if (wraps_when_retained.exchange(false)) {
        of_retain = epy_wrap("MyClass", self);
    }
}
static void release(void *self) { MyClass::release(static_cast<MyClass *>(self)); }
static void *create() {
    if (gives_nothing.exchange(false)) {
        return nullptr;
    }
    auto *made = new MyClass;
    if (raises_when_made.exchange(false)) {
        epy_raise("LookupError", "no room for %%d", 5);
    }
    if (wraps_when_made.exchange(false)) {
        epy_object_release(epy_wrap("MyClass", made));
    }
    return made;
}

[[maybe_unused]] static void mark(MyClass *object) {
    epy_object *result = epy_call(plugin, "mark", "N", epy_wrap("MyClass", object));
    assert(result != nullptr);
    epy_object_release(result);
}

// Destroyed after what was made later: all of epy's.
static struct last_one {
    MyClass *object = nullptr;
    ~last_one() {
        if (object != nullptr) {
            MyClass::retain(object);
            MyClass::release(object);
            MyClass::release(object);
            epy_forget(object);
            epy_object_release(of_retain);
            std::puts("over");
        }
    }
} last;

int main(int argc, char **argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const epy_class described = {"MyClass", retain, release, create, nullptr};
    assert(epy_register_class(&described) == 0);
    plugin = epy_plugin_of(dlopen(argv[argc - 1], RTLD_NOW));
    assert(epy_start(plugin) == 0);
    %s
}
"""


@pytest.fixture
def played(build_plugin, epy_host, run):
    def played(body):
        host = epy_host(HOST % body, f"-I{HERE}", "-pthread", compiler="g++")
        return run(host, build_plugin(SCRIPT)).stdout

    return played


@pytest.mark.once("keeps an object until the process exits")
def test_an_object_of_static_storage_outlives_python(played):
    """Its destructor counts, and says that it is gone, when epy's exit functions have run."""
    stdout = played(
        """
        last.object = new MyClass;
        mark(last.object);
        """
    )
    assert stdout == "over\n"


def test_a_forked_child_counts_on(played):
    """Whichever thread was counting when the process forked."""
    played(
        """
        std::atomic<bool> stop{false};
        std::vector<std::thread> threads;
        MyClass *shared = new MyClass;
        mark(shared);
        for (int i = 0; i < 2; ++i) {
            threads.emplace_back([&] {
                MyClass *own = new MyClass;
                mark(own);
                while (!stop) {
                    epy_share(own, 1);
                    epy_share(own, 0);
                }
                MyClass::release(own);
            });
        }
        for (int i = 0; i < 60; ++i) {
            const pid_t child = fork();
            if (child == 0) {
                alarm(300);                     /* it hangs */
                epy_share(shared, 1);
                epy_share(shared, 0);
                _exit(0);
            }
            int status = -1;
            assert(waitpid(child, &status, 0) == child && status == 0);
        }
        stop = true;
        for (std::thread &one : threads) {
            one.join();
        }
        MyClass::release(shared);
        """
    )


def test_a_retain_that_wraps_leads_to_the_same_wrapper(played):
    played(
        """
        auto *object = new MyClass;
        wraps_when_retained = true;
        epy_object *wrapper = epy_wrap("MyClass", object);
        assert(wrapper != nullptr && wrapper == of_retain && epy_object_refcount(wrapper) == 3);
        assert(object->count() == 2);           /* the host's, the wrapper's */
        epy_object_release(wrapper);
        epy_object_release(wrapper);
        MyClass::release(object);
        assert(object->count() == 1);           /* the wrapper's, which goes now */
        epy_object_release(epy_build("i", 1));
        assert(MyClass::live == 0);
        """
    )


def test_a_constructor_that_wraps_says_so(played):
    """The object would have two wrappers: that of the host's class, and the script's own."""
    stdout = played(
        """
        wraps_when_made = true;
        epy_object *none = epy_call(plugin, "make", "");
        epy_object_release(none);
        epy_object_release(epy_call(plugin, "make", ""));
        """
    )
    assert stdout == (
        "the host's MyClass has a Python object before it is made: 'create' must not wrap what it "
        "gives\n"
    )


def test_what_a_constructor_raises_is_raised(played):
    """Whatever it gives, which goes back; without a reason epy has one. Nothing of it stays."""
    stdout = played(
        """
        raises_when_made = true;
        epy_object_release(epy_call(plugin, "make", ""));
        assert(MyClass::live == 0);
        gives_nothing = true;
        epy_object_release(epy_call(plugin, "make", ""));
        epy_object_release(epy_call(plugin, "make", ""));
        """
    )
    assert stdout == "LookupError('no room for 5')\nthe host has made no MyClass\n"
