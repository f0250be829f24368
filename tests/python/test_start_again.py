"""A start of Python's that failed half way: the next one goes on from there."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

BUILD = Path(os.environ["EPY_BUILD_DIR"])

SCRIPT = """
import atexit, epy, sys
from ctypes import c_int

@epy.export(error=-1)
def ready() -> c_int:
    import packaged          # of the virtual environment
    return packaged.value + sys.stdout.line_buffering

atexit.register(print, "at exit")
"""

HOST = r"""
#include <dlfcn.h>
#include <stdio.h>

// PLUGIN PLUGIN HIDDEN FILE: the first call finds a file missing, the second finds it again.
int main(int argc, char **argv) {
    int (*ready)(void) = (int (*)(void))dlsym(dlopen(argv[1], RTLD_NOW), "ready");
    void *other = dlopen(argv[2], RTLD_NOW);
    printf("%d\n", ready());
    rename(argv[3], argv[4]);
    printf("%d\n", ((int (*)(void))dlsym(other, "ready"))());
    fflush(stdout);
    return 0;
}
"""


@pytest.mark.usefixtures("no_python_named")
@pytest.mark.parametrize("missing", ["_start.py", "_script.py"])
def test_the_next_plugin_starts_what_another_could_not(compile_c, run, tmp_path, missing):
    """With the packages, manners and exit functions of a Python that epy has started."""
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    (packages,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (packages / "packaged.py").write_text("value = 41\n")
    package = tmp_path / "package" / "epy"
    shutil.copytree(BUILD / "python" / "epy", package)
    for name in ("one", "other"):
        (tmp_path / f"{name}.py").write_text(SCRIPT)
        run(
            tmp_path / "venv" / "bin" / "python",
            *("-m", "epy", "build", f"{name}.py"),
            env={"PYTHONPATH": str(package.parent)},
        )
    (package / missing).rename(tmp_path / "hidden")
    plugins = tmp_path / "one.so", tmp_path / "other.so"
    result = run(compile_c(HOST), *plugins, tmp_path / "hidden", package / missing)
    assert result.stdout.splitlines() == ["-1", "42", "at exit"]
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"epy: {plugins[0]}: cannot import the package epy into its Python")
