"""`epy build` says which modules the Python that is to run a script does not have."""

from __future__ import annotations

import sys

import pytest

SCRIPT = """
import epy
from ctypes import c_int
{imports}

@epy.export
def one() -> c_int:
    return 1
"""


@pytest.fixture
def bare(run, tmp_path):
    """A virtual environment with nothing in it."""
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    return tmp_path / "venv/bin/python"


@pytest.fixture
def build(epy, tmp_path):
    def build(imports, *arguments):
        (tmp_path / "plugin.py").write_text(SCRIPT.format(imports=imports))
        (tmp_path / "beside.py").write_text("")
        return epy("build", "plugin.py", *arguments).stderr

    return build


@pytest.mark.parametrize("imports", ["import elftools", "from elftools.elf import elffile"])
def test_a_module_that_the_other_python_lacks_is_named(build, bare, imports):
    (line,) = build(imports, "--python", str(bare)).splitlines()
    assert f"imports elftools, which {bare} does not have" in line
    assert f"{bare} -m pip install elftools" in line


@pytest.mark.parametrize(
    "imports",
    [
        "import json, xml.dom, beside",
        "try:\n    import elftools\nexcept ImportError:\n    pass",
        "def later():\n    import elftools",
    ],
)
def test_what_it_has_or_may_lack_is_not(build, bare, imports):
    assert build(imports, "--python", str(bare)) == ""


def test_a_standalone_plugin_s_are_those_of_whatever_python_runs_it(build):
    (line,) = build("import elftools, json, beside", "--standalone").splitlines()
    assert "imports elftools, which the Python that it finds where it runs must have" in line
    assert line.endswith("; install it there: python3 -m pip install elftools")
