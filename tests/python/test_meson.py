"""A project of Meson's that builds a plugin and its host, as README says."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text()
PROJECT = """\
project('player', 'c')
{snippet}
player = executable('player', 'player.c',
  dependencies: [meson.get_compiler('c').find_library('dl', required: false)])
test('play', player, args: [synth.full_path()], depends: synth)
"""
SCRIPT = """
import epy
from tuning import PITCH

@epy.export("int pitch(void)")
def pitch():
    return PITCH
"""
HOST = """
#include <dlfcn.h>
#include <stdio.h>
int main(int count, char **arguments) {
    void *plugin = dlopen(arguments[1], RTLD_NOW);
    return plugin == NULL || ((int (*)(void))dlsym(plugin, "pitch"))() != 440;
}
"""


@pytest.fixture
def meson(run, tmp_path):
    """`meson(...)` in the folder of a project, with an `epy` on PATH as pip installs one."""
    (snippet,) = re.findall(r"(?<=`)synth = custom_target\([^`]*(?=`)", README)
    for name, text in {
        "project/meson.build": PROJECT.format(snippet=snippet),
        "project/synth.py": SCRIPT,
        "project/tuning.py": "PITCH = 440\n",
        "project/player.c": HOST,
        "bin/epy": f"#!/bin/sh\nexec '{sys.executable}' -m epy \"$@\"\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "bin/epy").chmod(0o755)
    path = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    return lambda *arguments, **options: run(
        "meson", *arguments, env=path, cwd=tmp_path / "project", **options
    )


def test_a_plugin_is_a_target_that_follows_its_files(meson, tmp_path):
    meson("setup", "build")
    assert re.search(r"^Ok: +1\b", meson("test", "-C", "build").stdout, re.MULTILINE)
    plugin = tmp_path / "project/build/synth.so"
    first = plugin.read_bytes()
    assert "no work to do" in meson("compile", "-C", "build").stdout

    # The script names it alone: the depfile told Ninja.
    later = plugin.stat().st_mtime + 2
    (tmp_path / "project/tuning.py").write_text("PITCH = 220\n")
    os.utime(tmp_path / "project/tuning.py", (later, later))
    meson("compile", "-C", "build")
    assert plugin.read_bytes() != first
    wrong = meson("test", "-C", "build", status=1).stdout
    assert re.search(r"^Fail: +1\b", wrong, re.MULTILINE)
