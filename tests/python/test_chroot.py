"""A host that changes its root directory between loading a plugin and calling it."""

from __future__ import annotations

import pytest
from plugin_scripts import ADD

# Whoever is not root becomes it in a user namespace, if the system lets him.
HOST = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>
int main(int count, char **arguments) {
    if (geteuid() != 0 && unshare(CLONE_NEWUSER) != 0) {
        return 77;
    }
    void *plugin = dlopen(arguments[1], RTLD_NOW);
    int (*add)(int, int) = plugin ? (int (*)(int, int))dlsym(plugin, "add") : NULL;
    if (add && count > 3) {
        printf("%d\\n", add(1, 1));
    }
    if (!add || chroot(arguments[2]) != 0 || chdir("/") != 0) {
        return 77;
    }
    printf("%d\\n", add(2, 3));
    return 0;
}
"""


@pytest.fixture
def host(compile_c, run, tmp_path):
    """`host(plugin, ...)`: what a host prints that changes its root before the call."""
    program = compile_c(HOST)
    (tmp_path / "root").mkdir()

    def host(plugin, *early):
        result = run(program, plugin, tmp_path / "root", *early, status=None)
        if result.returncode == 77:
            pytest.skip("chroot needs root, or user namespaces")
        return result

    return host


@pytest.mark.once("changes the process's root")
def test_a_plugin_that_has_started_goes_on(build_plugin, host):
    result = host(build_plugin(ADD), "early")
    assert (result.stdout, result.stderr) == ("2\n5\n", "")


@pytest.mark.once("changes the process's root")
def test_an_eager_plugin_has_started(build_plugin, host):
    result = host(build_plugin(ADD, "--eager"))
    assert (result.stdout, result.stderr) == ("5\n", "")


def test_a_plugin_that_has_not_names_the_remedy(build_plugin, host):
    result = host(build_plugin(ADD))
    assert result.stdout == "-1\n"
    (line,) = result.stderr.splitlines()
    assert "cannot open epy's loader" in line and "--eager" in line
