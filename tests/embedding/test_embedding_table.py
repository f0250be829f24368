"""epy.h without -lepy: the table that a host takes at run time."""

from __future__ import annotations

import pytest

HOST = """
#include <epy.h>
#undef NDEBUG
#include <assert.h>
#include <stdio.h>

int main(int argc, char **argv) {
    void *handle = dlopen(argv[2], RTLD_NOW);
    const epy_api *api;
    int (*add)(int, int), sum;
    epy_plugin *plugin;
    *(void **)&add = dlsym(handle, "add");
    assert(argc == 3 && epy_connect(NULL) == NULL && epy_connect("/no/such") == NULL);
    if (argv[1][0] == '/') {
        api = epy_connect(argv[1]);
        assert(api != NULL && api->plugin_state(api->plugin_of(handle)) == EPY_NEW);
    } else {
        assert(add(1, 2) == 3);
        api = epy_connect(NULL);
    }
    assert(api != NULL && api->size >= sizeof *api);
    plugin = api->plugin_of(handle);
    assert(api->call_into(plugin, "add", "i", &sum, "ii", 20, 3) == 0 && sum == 23);
    assert(api->call(plugin, "add", "s", "x") == NULL && api->error_matches("TypeError"));
    puts(api->last_error_info()->type);
    return 0;
}
"""

ADD = "import epy\n@epy.export('int add(int a, int b)')\ndef add(a, b): return a + b\n"


@pytest.mark.parametrize("first", ["a call", "the library"])
@pytest.mark.parametrize("compiler", ["gcc", "g++"])
def test_a_host_takes_the_table(build_plugin, epy, run, tmp_path, first, compiler):
    folder = epy("--pkgconfigdir").stdout.strip()
    source = tmp_path / ("host.cpp" if compiler == "g++" else "host.c")
    source.write_text(HOST)
    run(compiler, "-Wall", "-Wextra", "-Werror", f"-I{folder}", "-o", tmp_path / "host", source)
    library = f"{folder}/../libepy.so" if first == "the library" else "-"
    assert run(tmp_path / "host", library, build_plugin(ADD)).stdout == "TypeError\n"
