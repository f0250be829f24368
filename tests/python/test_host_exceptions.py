"""Exceptions of C++ that a function of the host's throws where Python has called it.

Python cannot go on after that: the host ends with a line, whatever the exception's class.
"""

from __future__ import annotations

import signal

import pytest

SCRIPT = """
import ctypes
import epy
from ctypes import c_int

host = epy.header("int host_throws(int how);")

@epy.export(error=-1)
def by_header(how: c_int) -> c_int:
    return host.host_throws(how)

@epy.export(error=-1)
def by_ctypes(how: c_int) -> c_int:
    return ctypes.CDLL(None).host_throws(how)
"""
HOST = """
#include <dlfcn.h>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <stdexcept>

extern "C" int host_throws(int how) {
    switch (how) {
    case 1: throw std::runtime_error("no");
    case 2: throw std::bad_alloc(); // which epy's own code throws, too
    case 3: throw 3;
    }
    return how;
}

int main(int, char **arguments) {
    void *plugin = dlopen("./plugin.so", RTLD_NOW);
    auto *function = reinterpret_cast<int (*)(int)>(dlsym(plugin, arguments[1]));
    std::printf("%d\\n", function(4));
    std::fflush(stdout);
    return function(std::atoi(arguments[2]));
}
"""


@pytest.mark.parametrize("how", ["1", "2", "3"])
@pytest.mark.parametrize("function", ["by_header", "by_ctypes"])
def test_the_host_ends_with_a_line(build_plugin, run, tmp_path, function, how):
    build_plugin(SCRIPT)
    (tmp_path / "host.cpp").write_text(HOST)
    run("c++", "-Wall", "-rdynamic", "-o", "host", "host.cpp")
    result = run("./host", function, how, status=-signal.SIGABRT)
    assert result.stdout == "4\n"
    assert result.stderr == (
        f"epy: a C++ exception crossed Python below export '{function}', and Python cannot go on "
        "after that: catch it in the C++ function that Python calls\n"
    )
