"""epy.h without -lepy: the table that a host takes at run time."""

from __future__ import annotations

import pytest

HOST = """
#include <epy.h>
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    void *handle = dlopen(argv[2], RTLD_NOW);
    const epy_api *api;
    int sum;
    epy_plugin *plugin;
    assert(argc == 3 && epy_connect(NULL) == NULL && epy_connect(dlopen(NULL, RTLD_NOW)) == NULL);
    if (strcmp(argv[1], "handle") == 0) {
        api = epy_connect(handle);
    } else if (strcmp(argv[1], "call") == 0) {
        int (*add)(int, int);
        *(void **)&add = dlsym(handle, "add");
        assert(add(1, 2) == 3);
        api = epy_connect(NULL);
    } else {
        void *library = dlopen(argv[1], RTLD_NOW);
        assert(library != NULL && epy_connect(library) == epy_connect(NULL));
        api = epy_connect(NULL);
    }
    assert(api != NULL && api->size >= sizeof *api && epy_connect(handle) == api);
    plugin = api->plugin_of(handle);
    assert(api->plugin_state(plugin) == (strcmp(argv[1], "call") == 0 ? EPY_READY : EPY_NEW));
    assert(api->call_into(plugin, "add", "i", &sum, "ii", 20, 3) == 0 && sum == 23);
    assert(api->call(plugin, "add", "s", "x") == NULL && api->error_matches("TypeError"));
    puts(api->last_error_info()->type);
    return 0;
}
"""

ADD = "import epy\n@epy.export('int add(int a, int b)')\ndef add(a, b): return a + b\n"


@pytest.fixture
def host(epy, run, tmp_path):
    """A program that knows where epy.h lies, and is linked with nothing of epy."""

    def host(compiler="gcc"):
        folder = epy("--pkgconfigdir").stdout.strip()
        source = tmp_path / ("host.cpp" if compiler.endswith("++") else "host.c")
        source.write_text(HOST)
        strict = ("-O2", "-pedantic", "-Wall", "-Wextra", "-Wstrict-aliasing", "-Werror")
        run(compiler, *strict, f"-I{folder}", "-o", tmp_path / "host", source)
        return tmp_path / "host", f"{folder}/../libepy.so"

    return host


@pytest.mark.once("there is no table before the first plugin")
@pytest.mark.parametrize("way", ["a call", "the library", "the handle alone"])
@pytest.mark.parametrize("compiler", ["gcc", "g++"])
def test_a_host_takes_the_table(build_plugin, host, run, way, compiler):
    program, library = host(compiler)
    first = {"a call": "call", "the library": library, "the handle alone": "handle"}[way]
    assert run(program, first, build_plugin(ADD)).stdout == "TypeError\n"


def test_a_script_cannot_take_the_name(build_plugin, epy, tmp_path):
    script = tmp_path / "plugin.py"
    script.write_text(ADD.replace("add", "epy_plugin_api"))
    result = epy("build", script, status=None)
    assert result.returncode == 2 and "epy_plugin_api" in result.stderr
