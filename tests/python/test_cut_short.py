"""A plugin that was cut short on its way: no host loads it, whose end it would be otherwise."""

from __future__ import annotations

import os

import pytest

SCRIPT = """
import epy
from ctypes import c_int

table = epy.export_data("table", (c_int * 3000)(*range(3000)))

@epy.export(error=-1)
def add(a: c_int, b: c_int) -> c_int:
    return a + b
"""
PIECES = 40


@pytest.fixture(params=["usual", "standalone", "bare"])
def whole(request, build_plugin, epy, tmp_path):
    if request.param == "bare":
        (tmp_path / "plugin.py").write_text(SCRIPT)
        epy("stub", "-o", "plugin.so")
        return tmp_path / "plugin.so"
    return build_plugin(SCRIPT, *(["--standalone"] if request.param == "standalone" else []))


def test_the_dynamic_linker_refuses_it(whole, native, run, tmp_path):
    data = whole.read_bytes()
    sizes = sorted({len(data) * piece // PIECES for piece in range(PIECES)} | {len(data) - 1})
    for size in sizes:
        (tmp_path / f"cut{size}.so").write_bytes(data[:size])
    result = run(native("call"), *(f"open ./cut{size}.so" for size in sizes))
    assert [line.split(":")[:2] for line in result.stdout.splitlines()] == [
        ["cannot open", f" ./cut{size}.so"] for size in sizes
    ]


@pytest.mark.parametrize("tool", ["strip", "objcopy"])
def test_tools_that_write_it_anew_can_read_it(whole, native, run, tool):
    for _ in range(2):  # also what they wrote themselves
        run(tool, whole)
    assert run(native("call"), f"open {whole}", "int add 2 3").stdout == "5\n"


def test_the_plugin_of_a_bundle_is_refused_alike(build_plugin, epy, native, run, tmp_path):
    epy("bundle", build_plugin(SCRIPT), "-o", "sent")
    plugin = tmp_path / "sent/plugin.so"
    os.truncate(plugin, plugin.stat().st_size // 2)
    result = run(native("call"), f"open {plugin}")
    assert result.stdout.startswith(f"cannot open: {plugin}: ")
