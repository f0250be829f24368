"""Plugins that were sent to machines which lack what most have.

None has a HOME, a PATH or any other variable.
"""

from __future__ import annotations

import shutil

import pytest

SCRIPT = """
import epy

@epy.export("int add(int a, int b)", error=-1)
def add(a, b):
    return a + b

@epy.export("const char *later(void)")
def later():
    import decimal  # what no start loads
    return epy.plugin.path
"""
HOST = """
#include <dlfcn.h>
#include <stdio.h>
int main(int count, char **arguments) {
    FILE *file = fopen("/written", "w");
    printf("%s\\n", file ? "may write" : "may not write");
    for (int i = 1; i < count; ++i) {
        void *plugin = dlopen(arguments[i], RTLD_NOW);
        int (*add)(int, int) = plugin ? (int (*)(int, int))dlsym(plugin, "add") : NULL;
        const char *(*later)(void) = plugin ? (const char *(*)(void))dlsym(plugin, "later") : NULL;
        int sum = add ? add(2, 3) : -2;
        const char *path = later ? later() : NULL;
        printf("%d %s\\n", sum, path ? path : plugin ? "" : dlerror());
    }
    return 0;
}
"""
NOBODY = 65534
PLACE = "/of others/Grüße, 世界/plug in ü.so"
KINDS = ["standalone", "bundle", "bundle with Python"]


@pytest.fixture
def sent(build_plugin, epy, machine, tmp_path):
    """`sent(kind, place)`: the plugin there, which was built here."""

    def sent(kind, place):
        target = machine.root / place.lstrip("/")
        if kind == "standalone":
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(build_plugin(SCRIPT, "--standalone"), target)
        else:
            python = ["--python"] if kind == "bundle with Python" else []
            epy("bundle", build_plugin(SCRIPT, name=target.stem), "-o", "sent", *python)
            shutil.copytree(tmp_path / "sent", target.parent, dirs_exist_ok=True)
        if kind != "bundle with Python":
            machine.add_python()
        return place

    return sent


@pytest.fixture
def host(machine, compile_c):
    return machine.add(compile_c(HOST), "/host")


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_can_be_written(sent, host, machine, kind):
    plugin = sent(kind, PLACE)
    result = machine.run(host, plugin, read_only=True)
    assert result.stderr == ""
    assert result.stdout == f"may not write\n5 {plugin}\n"


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_no_folder_for_what_is_temporary(sent, host, machine, kind):
    plugin = sent(kind, PLACE)
    (machine.root / "tmp").rmdir()
    result = machine.run(host, plugin, user=NOBODY)
    assert result.stderr == ""
    assert result.stdout == f"may not write\n5 {plugin}\n"


def test_a_machine_where_nothing_can_be_written_may_allow_no_code_in_memory(
    sent, host, machine, native
):
    """A standalone plugin has no place then; what lies in files goes on."""
    policy = machine.add(native("without_memory"), "/policy")
    plugin = sent("standalone", PLACE)
    result = machine.run(policy, host, plugin, read_only=True, user=NOBODY)
    assert result.stdout == "may not write\n-1 \n"
    (line,) = result.stderr.splitlines()
    assert plugin in line and "set TMPDIR to a folder that is not mounted with noexec" in line

    plugin = sent("bundle", "/of others/bundle/plugin.so")
    result = machine.run(policy, host, plugin, read_only=True, user=NOBODY)
    assert result.stderr == ""
    assert result.stdout == f"may not write\n5 {plugin}\n"


def test_a_stripped_one_without_proc(sent, host, machine, run):
    plugin = sent("standalone", PLACE)
    run("strip", "--strip-all", machine.root / plugin.lstrip("/"))
    result = machine.run(host, plugin, proc=False, user=NOBODY)
    assert result.stderr == ""
    assert result.stdout == f"may not write\n5 {plugin}\n"
    assert [*(machine.root / "tmp").iterdir()] == []
