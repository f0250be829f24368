"""What several files of tests share."""

import pytest

HOST = """
#include <complex.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

static void *plugin;
#define F(type, name) ((type)dlsym(plugin, name))

%s

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    plugin = dlopen(argv[argc - 1], RTLD_NOW);
    run();
    return 0;
}
"""


@pytest.fixture
def mistake(epy):
    """`mistake("build", ...)`: the message of a command that fails, which is all that it prints."""

    def mistake(*arguments):
        result = epy(*arguments, status=2)
        assert result.stdout == ""
        assert result.stderr.startswith("epy: ")
        assert result.stderr.count("\n") == 1, result.stderr
        return result.stderr[5:-1]

    return mistake


@pytest.fixture
def check(build_plugin, compile_c, run):
    """`check(c, script)`: what the host prints, line by line, and its stderr. `c` defines run()."""

    def check(c: str, script: str) -> tuple[list[str], str]:
        host = compile_c(HOST % c, "-rdynamic", "-ldl", "-lpthread")
        result = run(host, build_plugin("from ctypes import *\nimport epy\n" + script))
        return result.stdout.splitlines(), result.stderr

    return check
