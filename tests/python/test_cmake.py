"""A project of CMake's that builds a plugin and its host."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

PROJECT = """
cmake_minimum_required(VERSION 3.20)
project(player LANGUAGES C)
find_package(epy REQUIRED)
epy_add_plugin(synth SCRIPT synth.py OPTIONS -I include)
add_executable(player player.c)
target_link_libraries(player PRIVATE epy::epy ${CMAKE_DL_LIBS})
add_dependencies(player synth)
add_custom_target(play ALL COMMAND player $<TARGET_PROPERTY:synth,EPY_PLUGIN> DEPENDS player)
"""
SCRIPT = """
import epy
from tuning import PITCH

host = epy.header("synth.h")

@host.export
def pitch():
    return PITCH + host.OFFSET
"""
HOST = """
#include <dlfcn.h>
#include <epy.h>
#include <stdio.h>
int main(int count, char **arguments) {
    void *plugin = dlopen(arguments[1], RTLD_NOW);
    printf("pitch %d\\n", ((int (*)(void))dlsym(plugin, "pitch"))());
    return 0;
}
"""


@pytest.fixture
def build(run, tmp_path):
    """`build()`: what a build of the project prints."""
    for name, text in {
        "CMakeLists.txt": PROJECT,
        "synth.py": SCRIPT,
        "tuning.py": "PITCH = 440\n",
        "include/synth.h": "#define OFFSET 0\nint pitch(void);\n",
        "player.c": HOST,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    folder = run(sys.executable, "-m", "epy", "--cmakedir").stdout.strip()
    command = tmp_path / "epy"  # as pip installs one
    command.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m epy \"$@\"\n")
    command.chmod(0o755)
    cmake = Path(sys.executable).parent / "cmake"
    settings = (f"-Depy_DIR={folder}", f"-DEPY_COMMAND={command}")
    run(cmake, "-S", ".", "-B", "build", "-G", "Unix Makefiles", *settings)
    return lambda: run(cmake, "--build", "build").stdout


def test_a_plugin_is_a_target_that_follows_its_files(build, tmp_path):
    assert "pitch 440" in build()
    assert "Building the plugin" not in build()

    later = os.stat(tmp_path / "build/synth.so").st_mtime + 2
    for name, text, said in (
        ("tuning.py", "PITCH = 220\n", "pitch 220"),
        ("include/synth.h", "#define OFFSET 1\nint pitch(void);\n", "pitch 221"),
    ):
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (later, later))
        assert said in build()
        later += 2
        os.utime(tmp_path / "build/synth.so", (later, later))
        later += 2
