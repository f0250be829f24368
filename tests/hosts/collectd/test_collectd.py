"""collectd runs Python scripts: set up by one thread, read by others, finalized at the end."""

import os
import re
import shutil
import subprocess
import time

import pytest

pytestmark = [
    pytest.mark.needs("collectd", "/usr/lib/collectd/python.so"),
    pytest.mark.parametrize("python", ["system", "venv"], indirect=True),
]

LIMIT = 600  # seconds: for a hang
SCRIPT = """
import atexit, sys
import collectd

reads = 0

def said(text):
    with open("said", "a") as file:
        file.write(f"python: {text}\\n")

def read():
    global reads
    reads += 1
    if reads == 3:
        said("third read")

collectd.register_init(lambda: said("init"))
collectd.register_read(read)
collectd.register_shutdown(lambda: said("shutdown"))
atexit.register(said, "exit function")
said(repr((sys.prefix, sys.path, sys.argv, sys.flags)))
"""
START = """
BaseDir "."
PIDFile "pid"
PluginDir "plugins"
TypesDB "/usr/share/collectd/types.db"
Interval 0.02
LoadPlugin logfile
<Plugin logfile>
    LogLevel info
    File "log"
</Plugin>
"""
PYTHON = """
LoadPlugin python
<Plugin python>
    ModulePath "."
    Import "script"
</Plugin>
"""
EPY = "LoadPlugin check\n"


@pytest.fixture
def build_options():
    folder = "/usr/include/collectd"
    return ("-I", f"{folder}/core/daemon", "-I", f"{folder}/core", "-I", folder)


@pytest.fixture
def collectd(tmp_path, plugin):
    """`collectd(part of its settings, ...)`: what was said, of each of the two in its order."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    for name in ("python.so", "logfile.so"):
        shutil.copy(f"/usr/lib/collectd/{name}", plugins)
    shutil.copy(plugin, plugins)
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")

    def collectd(*parts):
        said = tmp_path / "said"
        said.write_text("", encoding="utf-8")
        (tmp_path / "collectd.conf").write_text(START + "".join(parts), encoding="utf-8")
        with (tmp_path / "stderr").open("w+") as errors:
            process = subprocess.Popen(
                ["collectd", "-f", "-C", "collectd.conf"],
                cwd=tmp_path,
                env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
                stdout=errors,
                stderr=errors,
            )
            limit = time.monotonic() + LIMIT
            while said.read_text().count("third read") < len(parts) and process.poll() is None:
                if time.monotonic() > limit:
                    process.kill()
                time.sleep(0.01)
            process.terminate()
            status = process.wait(LIMIT)
        messages = re.sub(
            r"\[.*\] plugin_load: .* loaded\.\s*", "", (tmp_path / "stderr").read_text()
        )
        assert (status, messages) == (0, "")
        lines = said.read_text().split("\n")[:-1]
        return [[line for line in lines if line.startswith(who)] for who in ("python: ", "epy of ")]

    return collectd


def test_python_first(collectd, packages):
    alone, _ = collectd(PYTHON)
    epy = [f"epy of {packages}: {it}" for it in ("register", "init", "third read", "unload")]
    assert collectd(PYTHON, EPY) == [alone, epy]


def test_epy_first(collectd, packages):
    alone, _ = collectd(PYTHON)
    epy = [f"epy of {packages}: {it}" for it in ("register", "init", "third read", "unload")]
    assert collectd(EPY, PYTHON) == [alone, epy]
