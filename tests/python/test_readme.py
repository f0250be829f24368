"""The README's examples do what they show."""

import re
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def block(language, inside=""):
    """The first block of a language with such a text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return next(text for text in blocks if inside in text)


def test_first_example(build_plugin, compile_c, run):
    build_plugin(block("python"), name="plugin")
    host = compile_c(block("c"))
    assert run(host).stdout == block("console").splitlines()[-1] + "\n"


def test_handle_example(build_plugin, native, run):
    text = "import epy\nfrom ctypes import c_int\n" + block("python", "epy.Object")
    plugin = build_plugin(text)
    result = run(native("handles"), f"open {plugin}", "make counter_new 5", "call counter_next 0",
                 "call counter_next 0", "call counter_free 0", "call counter_next 0")  # fmt: skip
    lines = result.stdout.splitlines()
    assert (lines[:3], lines[4]) == (["handle 0", "6", "7"], "-1")
    assert "InvalidHandleError" in result.stderr


def test_header_example(build_plugin, run):
    plugin = build_plugin("import epy\n" + block("python", "epy.header"))
    assert 'Plugin Label: "gain"' in run("analyseplugin", plugin).stdout
