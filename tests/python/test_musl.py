"""A host that runs with musl: it is told so in one line, and what needs no Python is there."""

import pytest
from plugin_scripts import ADD_AND_ONE

HOST = """
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv) {
    void *plugin = dlopen(argv[argc - 1], RTLD_NOW);
    if (plugin == NULL) {
        puts(dlerror());
        return 1;
    }
    int (*add)(int, int) = (int (*)(int, int))dlsym(plugin, "add");
    int (*one)(void) = (int (*)(void))dlsym(plugin, "one");
    printf("%d %d\\n", add(2, 3), one());
    printf("%d\\n", *(int *)dlsym(plugin, "number"));
    dlclose(plugin);
}
"""
SCRIPT = ADD_AND_ONE + "\nepy.export_data('number', epy.c_int(42))\n"


@pytest.mark.parametrize("options", [[], ["--eager"], ["--standalone"]])
def test_a_host_with_musl_gets_error_values_and_one_line(build_plugin, run, tmp_path, options):
    """Data is there all the same, as it needs no Python."""
    (tmp_path / "host.c").write_text(HOST)
    run("musl-gcc", "-o", tmp_path / "host", tmp_path / "host.c")
    plugin = build_plugin(SCRIPT, *options)
    result = run(tmp_path / "host", plugin)
    assert result.stdout == "-1 -2\n42\n"
    (line,) = result.stderr.splitlines()
    assert line.startswith(
        f"epy: {plugin}: cannot open epy's loader, which is made for glibc, in a host that runs "
        "with another C library: "
    )
    assert line.endswith("or run the host on a system with glibc 2.34 or newer")
