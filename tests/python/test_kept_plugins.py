"""A plugin that was built by an earlier epy runs with this one: one of each contract is kept."""

from __future__ import annotations

import lzma
import os
import re
import shlex
import sys
from pathlib import Path

import pytest

PACKAGE = Path(os.environ["EPY_BUILD_DIR"]) / "python/epy"
PROJECT = Path(__file__).parents[2]
KEPT = {
    int(path.name.split("_")[1].partition(".")[0]): path
    for path in sorted((PROJECT / "tests/plugins").glob("contract_*.so.xz"))
}
HEADERS = list((PROJECT / "tests/plugins").glob("header_of_contract_*.so.xz"))
PYTHON = {"EPY_PYTHON": sys.executable}
CALLS = ["int add 2 3", "double half 5 0", "int add -1 1"]
WITH_OWN_GIL = 4  # the contract of a plugin that Pythons before 3.13 refuse


@pytest.mark.parametrize("contract", sorted(KEPT))
def test_a_plugin_of_an_earlier_epy_is_served(contract, native, run, preload, epy, tmp_path):
    """What it was built with is gone: its loader is there already, its Python is named."""
    plugin = tmp_path / "kept.so"
    plugin.write_bytes(lzma.decompress(KEPT[contract].read_bytes()))
    loader = tmp_path / "libepy.so"  # LD_PRELOAD takes no path with a space
    loader.symlink_to(PACKAGE / "libepy.so")
    environment = {**preload(loader), **PYTHON}
    result = run(native("call"), f"open {plugin}", *CALLS, env=environment)
    if contract == WITH_OWN_GIL and sys.version_info < (3, 13):
        assert result.stdout.splitlines() == ["-1", "2.5", "-1"]
        assert "--isolation own-gil, which takes Python 3.13 or newer" in result.stderr
    else:
        assert result.stdout.splitlines() == ["5", "2.5", "0"]
        assert result.stderr == ""
    assert f'"contract": {contract}' in epy("inspect", "--json", plugin).stdout


@pytest.mark.parametrize("path", sorted(HEADERS), ids=lambda path: path.name)
def test_what_an_earlier_epy_stored_of_a_header_is_understood(path, native, run, preload, tmp_path):
    plugin = tmp_path / "kept.so"
    plugin.write_bytes(lzma.decompress(path.read_bytes()))
    loader = tmp_path / "libepy.so"
    loader.symlink_to(PACKAGE / "libepy.so")
    calls = ["int raised 1", "int at_most 30", "int at_most 50", "int named 0 0", "int called 0"]
    result = run(native("call"), f"open {plugin}", *calls, env={**preload(loader), **PYTHON})
    assert result.stdout.split() == ["5", "30", "40", "793", "7"]
    assert result.stderr == ""


def test_kept_plugins_speak_of_no_machine():
    for path in (*KEPT.values(), *HEADERS):
        found = set(
            re.findall(rb"/(?:home|root|tmp|work)/[^\0\n]*", lzma.decompress(path.read_bytes()))
        )
        assert not found, path.name


CONNECTED = """
#include <epy.h>
int main(int argc, char **argv) {
    void *handle = dlopen(argv[1], RTLD_NOW);
    int sum = 0;
    const epy_api *api;
    if (epy_connect(handle) != NULL) return 1;
    dlopen(argv[argc - 1], RTLD_NOW);
    api = epy_connect(handle);
    return api == NULL || api->call_into(api->plugin_of(handle), "add", "i", &sum, "ii", 4, 5) != 0
        || sum != 9;
}
"""


@pytest.mark.once("the loader is there from the first round on")
@pytest.mark.parametrize("contract", [number for number in sorted(KEPT) if number <= 3])
def test_a_host_connects_to_one_that_has_no_name_for_it(contract, compile_c, run, epy, tmp_path):
    """Once the loader is there: it was opened by the host, or by a plugin that was called."""
    plugin = tmp_path / "kept.so"
    plugin.write_bytes(lzma.decompress(KEPT[contract].read_bytes()))
    host = compile_c(CONNECTED, *shlex.split(epy("--cflags").stdout))
    run(host, plugin, PACKAGE / "libepy.so", env=PYTHON)


def test_one_is_kept_of_each_contract_that_is_served():
    text = (PROJECT / "stub/stub.h").read_text()
    (newest,) = re.findall(r" contract_version = (\d+);", text)
    assert int(newest) in KEPT
    assert min(KEPT) >= int(re.findall(r"oldest_contract_version = (\d+);", text)[0])
