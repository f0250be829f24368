"""`pip install .` gives a working epy in a fresh virtual environment."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
CLEAN = {"PYTHONPATH": None}


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A virtual environment with epy from a wheel that was made of this source."""
    folder = tmp_path_factory.mktemp("installed")
    variables = {**os.environ}
    variables.pop("PYTHONPATH", None)

    def run(*command):
        result = subprocess.run(
            command, capture_output=True, text=True, cwd=folder, env=variables, timeout=3600
        )
        assert result.returncode == 0, result.stdout + result.stderr

    pip = ("-m", "pip", "--disable-pip-version-check")
    run(
        *(sys.executable, *pip, "wheel", "--no-build-isolation", "--no-deps"),
        *(f"--config-settings=build-dir={folder}/build", "--wheel-dir", folder, PROJECT),
    )
    (wheel,) = folder.glob("epy-*.whl")
    run(sys.executable, "-m", "venv", folder / "venv")
    run(folder / "venv/bin/python", *pip, "install", "--no-index", "--no-deps", wheel)
    # What epy depends on comes from the test environment: no network is needed.
    (site,) = (folder / "venv/lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "venv"


@pytest.fixture
def installed(environment, run):
    """`installed("epy", ...)`: a program of that environment."""

    def installed(program, *arguments):
        return run(environment / "bin" / program, *arguments, env=CLEAN)

    return installed


def test_pip_install(environment, installed, tmp_path):
    (site,) = (environment / "lib").glob("python*/site-packages")
    names = {path.name for path in (site / "epy").iterdir()}
    assert {"__init__.py", "py.typed", "_core.pyi", "stub.so", "libepy.so"} <= names
    assert any(name.startswith("_core.cpython-") for name in names)

    (tmp_path / "twice.py").write_text(
        "import epy\n\nhost = epy.header('#include <stdint.h>\\nint32_t twice(int32_t x);')\n"
        "@host.export\ndef twice(x):\n    return 2 * x\n"
    )
    installed("epy", "build", "twice.py")
    assert installed("epy", "call", "./twice.so", "twice", "21").stdout == "42\n"


def test_a_newcomer_s_walk(installed, run, tmp_path):
    """From nothing to a plugin in its host, and a look at what the host calls."""
    installed("epy", "new", "shout", "--host", "sqlite3")
    assert "2 passed" in installed("python", "-m", "pytest", "-q", "-p", "no:cacheprovider").stdout
    installed("epy", "build", "shout.py")
    host = ("sqlite3", ":memory:", ".load ./shout", "select shout('hello')")
    assert run(*host, env=CLEAN).stdout == "HELLO!\n"
    doctor = installed("epy", "doctor", "shout.so", "--host", "sqlite3").stdout
    assert doctor.endswith("all is well\n")
    assert installed("epy", "trace", "shout.so", "--", *host, ".load {}").stdout == "HELLO!\n"
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    names = [event["name"] for event in events if event["ph"] == "X"]
    assert names.count("callback 'sql_shout'") == 1
    assert names[0] == "start" and "export 'sqlite3_extension_init'" in names
