"""Nothing hangs: threads that do with plugins all that a host can, at once, in hosts of each kind.

EPY_STORMS says how many rounds, each a process of its own: `ctest --preset dev -C storm -L storm`
has a thousand.
"""

import importlib.util
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from waits import without_waits

HERE = Path(__file__).parent
ROUNDS = int(os.environ.get("EPY_STORMS", "50"))
LIMIT = 600 + 60 * ROUNDS  # seconds, for a hang
SCRIPT = """
import ctypes
import epy
from ctypes import c_int
from importlib.util import module_from_spec, spec_from_file_location

NUMBER = {number}
held, free = ctypes.PyDLL({storm!r}), ctypes.CDLL({storm!r})

@epy.export(error=-1)
def work(n: c_int) -> c_int:
    return 10 * n + NUMBER

@epy.export(error=-1)
def imports(n: c_int) -> c_int:
    spec = spec_from_file_location("_queue", f"{folder}/copy{{n}}.so")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return NUMBER if hasattr(module, "SimpleQueue") else -2

@epy.export(error=-1)
def again(n: c_int) -> c_int:
    try:
        epy.reload()
    except epy.ReloadError as error:  # another thread does
        if "is being reloaded already" not in str(error):
            raise
    return NUMBER

@epy.export(error=-1)
def with_lock(random: c_int) -> c_int:
    return NUMBER + held.storm_steps(random, 3)

@epy.export(error=-1)
def without_lock(random: c_int) -> c_int:
    return NUMBER + free.storm_steps(random, 3)

@epy.on_unload
def note():
    global NUMBER
    NUMBER = -3
"""
HOSTS = ["c", "python", "embedding"]
# By turns, where this Python has interpreters with a lock of their own.
ISOLATION = ["shared", "shared", "own-gil"] if sys.version_info >= (3, 13) else ["shared"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The library, eight plugins, and eight copies of an extension module."""
    folder = tmp_path_factory.mktemp("storm")
    compile_in(folder, "storm.c", "-shared", "-fPIC", "-o", "storm.so")
    extension = Path(importlib.util.find_spec("_queue").origin)
    for number in range(8):
        (folder / f"copy{number}.so").write_bytes(extension.read_bytes())
        text = SCRIPT.format(number=number, folder=folder, storm=f"{folder}/storm.so")
        (folder / f"plugin{number}.py").write_text(text)
        isolation = ISOLATION[number % len(ISOLATION)]
        command = "build", f"plugin{number}.py", "--editable", "--isolation", isolation
        subprocess.run([sys.executable, "-m", "epy", *command], cwd=folder, check=True)
    return folder


def compile_in(folder, source, *options):
    command = "cc", "-Wall", "-O1", HERE / source, *options, "-pthread"
    subprocess.run(command, cwd=folder, check=True)


def command_of(host, folder):
    if host == "python":
        return [sys.executable, HERE / "host.py"]
    options = ["./storm.so", "-Wl,-rpath,$ORIGIN"]
    if host == "embedding":
        library, name, include = sysconfig.get_config_vars("LIBDIR", "INSTSONAME", "INCLUDEPY")
        options += ["-DEMBEDDING", f"-I{include}", f"{library}/{name}", f"-Wl,-rpath,{library}"]
    compile_in(folder, "host.c", "-o", host, *options)
    return [folder / host]


@pytest.mark.parametrize("host", HOSTS)
def test_a_storm(folder, host):
    result = subprocess.run(
        [*command_of(host, folder), str(ROUNDS)],
        cwd=folder,
        timeout=LIMIT,
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stdout, without_waits(result.stderr)) == (0, "", "")
