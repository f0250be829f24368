"""epy.h: random sequences of what a host does with callbacks, beside what ought to be."""

from __future__ import annotations

import pytest

SCRIPT = """
import ctypes
import epy

library = ctypes.CDLL(None)
kept = {}

class Listener:
    def __init__(self, add):
        self.add = add

    def __call__(self, value):
        if value < 0:
            raise ValueError("negative")
        return value + self.add

def pass_one(add, keeps):
    callback = epy.callback("int (*)(int)", Listener(add), error=-9)
    if keeps:
        kept[add] = callback
    library.subscribe(callback)

def drop(add):
    kept.pop(add, None)

@epy.export("int anything(void)")
def anything():
    return 0

epy.error_hook = lambda report: None
"""

HOST = """
#include <epy.h>

#undef NDEBUG
#include <cassert>
#include <cstdlib>
#include <random>
#include <thread>
#include <vector>

using function = int (*)(int);
static epy_plugin *plugin;
static epy_object *error_value;
static thread_local function passed;
static thread_local bool retains;

static epy_function *raw(function f) { return reinterpret_cast<epy_function *>(f); }

extern "C" void subscribe(int (*on_event)(int)) {
    passed = on_event;
    if (retains) {
        assert(epy_callback_retain(raw(on_event)) == 0);
    }
}

static void run(const char *name, const char *format, int first, int second = 0) {
    epy_object *result = epy_call(plugin, name, format, first, second);
    assert(result != nullptr);
    epy_object_release(result);
}

struct model {
    function f;
    int add;
    int count; // the host's references
    bool kept; // by the script

    [[nodiscard]] bool lives() const { return count > 0 || kept; }
};

static model any_new(std::mt19937 &random, int add) {
    if (random() %% 3 == 0) {
        epy_object *callable = epy_call(plugin, "Listener", "i", add);
        epy_function *made = epy_callback_new(callable, "int (*)(int)", error_value);
        assert(made != nullptr);
        epy_object_release(callable);
        return {reinterpret_cast<function>(made), add, 1, false};
    }
    const bool keeps = random() %% 2 == 0;
    retains = random() %% 2 == 0;
    run("pass_one", "ii", add, keeps);
    return {passed, add, retains ? 1 : 0, keeps};
}

static void check(const model &one) {
    run("drop", "i", -1); /* what the host has released dies in a call into Python */
    assert(epy_callback_is_live(raw(one.f)) == one.lives());
    assert(one.f(1) == (one.lives() ? 1 + one.add : -9));
    assert(one.f(-1) == -9);
}

static void play(unsigned seed, int steps) {
    std::mt19937 random(seed);
    std::vector<model> all;
    int add = static_cast<int>(seed) * 100000;
    for (int step = 0; step < steps; ++step) {
        if (all.empty() || random() %% 8 == 0) {
            all.push_back(any_new(random, ++add));
            continue;
        }
        model &one = all[random() %% all.size()];
        switch (random() %% 4) {
        case 0:
            assert(epy_callback_retain(raw(one.f)) == (one.lives() ? 0 : -1));
            one.count += one.lives() ? 1 : 0;
            break;
        case 1: /* also once too often */
            epy_callback_release(raw(one.f));
            one.count -= one.count > 0 ? 1 : 0;
            break;
        case 2:
            run("drop", "i", one.add);
            one.kept = false;
            break;
        default:
            break;
        }
        check(one);
    }
    for (model &one : all) {
        run("drop", "i", one.add);
        one.kept = false;
        for (; one.count > 0; --one.count) {
            epy_callback_release(raw(one.f));
        }
        check(one);
    }
}

int main(int argc, char **argv) {
    plugin = epy_plugin_of(dlopen(argv[argc - 1], RTLD_NOW));
    assert(epy_start(plugin) == 0);
    error_value = epy_build("i", -9);
    const unsigned seed = static_cast<unsigned>(std::atoi(std::getenv("SEED")));
    %s
    epy_object_release(error_value);
    return 0;
}
"""


@pytest.fixture
def played(build_plugin, epy_host, run):
    def played(body, seed):
        host = epy_host(HOST % body, "-rdynamic", "-pthread", compiler="g++")
        run(host, build_plugin(SCRIPT), env={"SEED": str(seed)})

    return played


@pytest.mark.parametrize("seed", range(2))
def test_callbacks_live_as_long_as_either_side_has_them(played, seed):
    played("play(seed, 1500);", seed)


def test_threads_have_callbacks_of_their_own(played):
    played(
        """
        std::vector<std::thread> threads;
        for (unsigned i = 1; i <= 3; ++i) {
            threads.emplace_back(play, seed + i, 400);
        }
        for (std::thread &one : threads) {
            one.join();
        }
        """,
        3,
    )
