"""Where a plugin is and finds its files, whatever the host does after dlopen."""

import os
import sys

import pytest

SCRIPT = """
import epy, os

@epy.export("const char *place(void)")
def place():
    return os.fsencode(epy.plugin.path)

@epy.export("const char *beside(void)")
def beside():
    with open(epy.plugin.folder + "/data.txt", "rb") as file:
        return file.read()

@epy.export("const char *source(void)")
def source():
    return __file__.encode()
"""


@pytest.fixture(params=["built", "--editable", "--eager", "side by side"])
def plugin(request, epy, tmp_path):
    """`plugins/plugin.so` in `tmp_path`, with a file beside it; `other` is the wrong folder."""
    for folder, text in (("plugins", "right"), ("other", "wrong"), ("other/plugins", "wrong")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "data.txt").write_text(text)
        (tmp_path / folder / "plugin.py").write_text("raise SystemExit\n")
    script = tmp_path / "plugins/plugin.py"
    script.write_text(SCRIPT)
    output = tmp_path / "plugins/plugin.so"
    if request.param == "side by side":
        epy("stub", "-o", output)
    else:
        epy("build", script, "-o", output, *(request.param,) * (request.param != "built"))
    return output


ASK = ("text place", "text beside", "text source")


def test_a_host_that_changes_its_folder_before_the_first_call(plugin, native, run, tmp_path):
    for opened in ("plugins/plugin.so", "./plugins/../plugins/plugin.so", str(plugin)):
        result = run(native("call"), f"open {opened}", f"chdir {tmp_path}/other", *ASK)
        assert result.stdout.split() == [str(plugin), "right", str(plugin.with_suffix(".py"))]


def test_a_folder_that_is_linked_anew_before_the_first_call(plugin, native, run, tmp_path):
    (tmp_path / "current").symlink_to("plugins")
    (tmp_path / "next").symlink_to("other/plugins")
    switch = f"rename {tmp_path}/next {tmp_path}/current"
    result = run(native("call"), f"open {tmp_path}/current/plugin.so", switch, *ASK)
    assert result.stdout.split() == [str(plugin), "right", str(plugin.with_suffix(".py"))]


def test_a_file_that_is_deleted_before_the_first_call(plugin, native, run, tmp_path):
    commands = ["open plugins/plugin.so", f"unlink {plugin}", f"chdir {tmp_path}/other", *ASK]
    result = run(native("call"), *commands)
    assert result.stdout.split() == [str(plugin), "right", str(plugin.with_suffix(".py"))]


@pytest.mark.parametrize("plugin", ["built"], indirect=True)
def test_a_file_that_is_renamed_before_the_first_call(plugin, native, run, tmp_path):
    rename = f"rename {tmp_path}/plugins {tmp_path}/moved"
    result = run(native("call"), "open plugins/plugin.so", rename, *ASK)
    expected = [f"{tmp_path}/moved/plugin.so", "right", str(plugin.with_suffix(".py"))]
    assert result.stdout.split() == expected


@pytest.mark.parametrize("plugin", ["built"], indirect=True)
def test_unusual_places(plugin, native, run, tmp_path):
    for name in ("with space", "with (deleted)", "with\nline feed", "with \\ backslash", "\udcff"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "data.txt").write_text("right\n")
        (folder / "plugin.so").write_bytes(plugin.read_bytes())
        host = (
            "import ctypes, os, sys; plugin = ctypes.CDLL('./plugin.so'); os.chdir('/')\n"
            "plugin.place.restype = ctypes.c_char_p\n"
            "sys.stdout.buffer.write(plugin.place())\n"
        )
        result = run(sys.executable, "-c", host, cwd=folder)
        assert result.stdout == os.fsencode(folder / "plugin.so").decode(errors="replace")


def test_a_relative_epy_python_is_that_of_the_folder_where_python_starts(
    build_plugin, native, run, tmp_path
):
    """Also for what Python looks for later, in another folder."""
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    (packages,) = (tmp_path / "venv").glob("lib/python3*/site-packages")
    (packages / "found.py").write_text("NUMBER = 7\n")
    plugin = build_plugin("""
import epy, sys

@epy.export("int nothing(void)")
def nothing():
    return 0

@epy.export("int found(void)")
def found():
    import found
    return found.NUMBER
""")
    commands = [f"open {plugin}", "int nothing", "chdir /", "int found"]
    result = run(native("call"), *commands, env={"EPY_PYTHON": "venv/bin/python"})
    assert result.stdout.split() == ["0", "7"]
