"""The manual's 1.9: hosts in C++, whose objects live before main and after it."""

from __future__ import annotations

import pytest

SCRIPT = """
import epy

class Counter(epy.Object):
    def __init__(self):
        self.value = 0

    def step(self):
        self.value += 1
        return self.value

@epy.export
def counter_new() -> Counter:
    return Counter()

@epy.on_unload
def leave():
    print("leaves")
"""

HOST = """
#include <epy.hpp>

#include <cstdio>
#include <cstdlib>

struct global_counter {
    epy::object counter;
    const char *when;

    explicit global_counter(const char *said) : when(said) {
        static const int by_lines = std::setvbuf(stdout, nullptr, _IOLBF, 0); // before all output
        static_cast<void>(by_lines);
        const epy::plugin script(dlopen(std::getenv("PLUGIN"), RTLD_NOW));
        counter = script.call("Counter");
        std::printf("%s: %d\\n", when, counter.call("step").as<int>());
    }
    ~global_counter() {
        try {
            std::printf("%s ends: %d\\n", when, counter.call("step").as<int>());
        } catch (const epy::error &failed) {
            std::printf("%s ends: %s\\n", when, failed.what());
        }
    }
};

static global_counter first("before main");
static thread_local global_counter of_thread("in main");

int main() {
    std::printf("main: %d\\n", first.counter.call("step").as<int>());
    std::printf("main: %d\\n", of_thread.counter.call("step").as<int>());
}
"""


@pytest.mark.once("the process's start and exit are looked at")
def test_objects_before_main_and_after(build_plugin, epy_host, run):
    """Their constructors start Python; their destructors call it, or are told that it is over."""
    plugin = build_plugin(SCRIPT)
    host = epy_host(HOST, compiler="g++")
    lines = run(host, env={"PLUGIN": str(plugin)}).stdout.splitlines()
    assert lines[:4] == ["before main: 1", "main: 2", "in main: 1", "main: 2"]
    assert sorted(lines[4:]) == ["before main ends: 3", "in main ends: 3", "leaves"]
