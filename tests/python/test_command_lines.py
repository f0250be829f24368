"""Command lines in bad faith and bad luck: one clear line, the right exit status, nothing left."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from epy._command.system_errors import describe

SCRIPT = """
import epy
@epy.export
def echo(text: epy.c_str) -> epy.c_str:
    return text
"""


@pytest.fixture
def mistake(epy):
    """`mistake(*arguments)`: the one line on stderr, without "epy: "."""

    def mistake(*arguments):
        result = epy(*arguments, status=2)
        (line,) = result.stderr.splitlines()
        assert line.startswith("epy: ") and result.stdout == ""
        return line.removeprefix("epy: ")

    return mistake


@pytest.fixture
def fifo(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    return "fifo"


def test_what_is_no_file_is_not_read_as_a_header(mistake, fifo):
    # Neither a wait for a writer nor memory until there is no more.
    for name in (fifo, "/dev/zero", "/dev/null/x", "/"):
        assert name in mistake("inspect", "--header", name)


def test_what_is_no_file_is_neither_a_plugin_nor_a_script(mistake, fifo, tmp_path):
    for name in (fifo, "/dev/zero", tmp_path):
        assert str(name) in mistake("inspect", name)
    assert "a FIFO, not a file" in mistake("build", fifo)
    assert "a device, not a file" in mistake("build", "/dev/zero")


def test_a_folder_that_is_no_package_is_refused_before_it_is_read(mistake, tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "folder" / "x.py")
    assert "without __init__.py" in mistake("build", "folder")


def test_a_file_of_a_package_that_cannot_be_read_is_named(mistake, tmp_path):
    package = tmp_path / "synth"
    package.mkdir()
    (package / "__init__.py").write_text(SCRIPT)
    (package / "gone.py").symlink_to("nowhere")
    assert mistake("build", "synth").startswith(f"{package}/gone.py: cannot be read")
    assert os.listdir(tmp_path) == ["synth"]


def test_empty_names_are_refused(mistake, tmp_path):
    (tmp_path / "synth.py").write_text(SCRIPT)
    assert "-o" in mistake("build", "synth.py", "-o", "")
    assert "-o" in mistake("stub", "-o", "")
    assert "no script" in mistake("build", "")


def test_text_that_is_not_utf_8_is_no_argument_for_text(mistake, build_plugin):
    assert "text in UTF-8" in mistake("call", build_plugin(SCRIPT), "echo", os.fsdecode(b"a\xff"))


def test_any_exception_of_a_script_is_one_line_at_the_end(epy, tmp_path):
    (tmp_path / "bad.py").write_text("class Odd(BaseException): pass\nraise Odd('no')\n")
    result = epy("build", "bad.py", status=2)
    assert result.stderr.splitlines()[-1] == f"epy: {tmp_path}/bad.py:2: Odd: no"


def test_an_exception_without_a_text_is_one_line_at_the_end(epy, tmp_path):
    script = "class Odd(Exception):\n    def __str__(self): return 3\nraise Odd\n"
    (tmp_path / "bad.py").write_text(script)
    (line,) = epy("build", "bad.py", status=2).stderr.splitlines()[-1:]
    assert line == f"epy: {tmp_path}/bad.py:3: Odd: (its text cannot be had: TypeError)"


def test_a_struct_larger_than_memory_is_refused(mistake, tmp_path):
    (tmp_path / "big.py").write_text(
        'import epy\nh = epy.header("struct s { char a[1ull << 62]; char b[1ull << 62]; };")\n'
        "h.struct.s\n"
    )
    assert "s is rejected by Clang" in mistake("build", "big.py")


# ---- standard output


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "command", [("--help",), ("--version",), ("inspect", "plugin.so"), ("inspect", "--help")]
)
def test_a_reader_that_has_gone_ends_a_command_quietly(build_plugin, tmp_path, command, unbuffered):
    build_plugin(SCRIPT)
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(
        [sys.executable, "-m", "epy", *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        stdout=writing,
        stderr=subprocess.PIPE,
    )
    os.close(writing)
    assert (result.returncode, result.stderr) == (-signal.SIGPIPE, b"")


def test_output_that_cannot_be_written_is_an_error(build_plugin, tmp_path):
    build_plugin(SCRIPT)
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "epy", "inspect", "plugin.so"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
        )
    assert (result.returncode, result.stderr) == (
        2,
        b"epy: standard output: No space left on device\n",
    )


@pytest.mark.parametrize("command", ["build none.py", "build", "none", "inspect none.so"])
@pytest.mark.parametrize("streams", ["2>/dev/full", ">/dev/full 2>/dev/full", "2>&-", ">&- 2>&-"])
def test_a_mistake_that_cannot_be_told_is_one_all_the_same(run, command, streams):
    run("sh", "-c", f"'{sys.executable}' -m epy {command} {streams}", status=2)


@pytest.mark.parametrize("taken", ["sys.stdout.close(); sys.stderr.close()",
                                   "sys.stdout = sys.stderr = None",
                                   "sys.stdout = sys.stderr = io.StringIO()"])  # fmt: skip
def test_a_script_that_takes_the_streams_gives_them_back(epy, tmp_path, taken):
    (tmp_path / "takes.py").write_text(f"import io, sys\n{taken}\n{SCRIPT}")
    assert epy("build", "takes.py").stdout == "takes.py -> takes.so\n"
    (tmp_path / "takes.py").write_text(f"import io, sys\n{taken}\n{SCRIPT}raise ValueError('no')\n")
    result = epy("build", "takes.py", status=2)
    assert result.stderr.splitlines()[-1].endswith("ValueError: no")


def test_a_folder_that_is_gone_is_told(run, tmp_path):
    (tmp_path / "gone").mkdir()
    leave = 'cd gone && rmdir ../gone && exec "$0" -m epy build ../plugin.py 2>&1'
    told = run("sh", "-c", leave, sys.executable, status=2).stdout
    assert told.endswith("epy: the current folder is gone: go to one that is there\n")


def test_where_there_is_no_room_is_told():
    """Of a copy it is the target that is full."""
    full = OSError(errno.ENOSPC, "No space left on device", "plugin.so", None, "made/plugin.so")
    assert describe(full) == "made/plugin.so: No space left on device; make room there"


def test_a_command_without_standard_output_works(tmp_path):
    (tmp_path / "synth.py").write_text(SCRIPT)
    command = f"'{sys.executable}' -m epy build synth.py >&-"
    assert subprocess.run(["sh", "-c", command], cwd=tmp_path).returncode == 0
    assert (tmp_path / "synth.so").exists()


def test_a_command_without_standard_output_is_interrupted_as_with_it(tmp_path):
    (tmp_path / "synth.py").write_text("raise KeyboardInterrupt")
    command = f"exec '{sys.executable}' -m epy build synth.py >&-"
    result = subprocess.run(["sh", "-c", command], cwd=tmp_path, stderr=subprocess.PIPE)
    assert (result.returncode, result.stderr) == (-signal.SIGINT, b"epy: interrupted\n")


@pytest.mark.parametrize("script", ["raise ValueError", "import helper", "import"])
def test_a_command_without_standard_error_fails_as_with_it(tmp_path, script):
    (tmp_path / "synth.py").write_text(script)
    (tmp_path / "helper.py").write_text("raise ValueError")
    command = f"'{sys.executable}' -m epy build synth.py 2>&-"
    result = subprocess.run(["sh", "-c", command], cwd=tmp_path, stdout=subprocess.PIPE)
    assert (result.returncode, result.stdout) == (2, b"")


def test_a_python_may_have_any_path(epy, tmp_path):
    """Any bytes but NUL: it says itself where it is."""
    (tmp_path / "synth.py").write_text(SCRIPT)
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\nx")
    os.mkdir(folder)
    os.symlink(sys.executable, folder + "/python")
    epy("build", "synth.py", "--python", folder + "/python")
    shown = epy("inspect", "synth.so").stdout
    assert "\\udcff\\nx/python" in shown


def test_what_a_build_says_is_one_line(epy, tmp_path):
    (tmp_path / "a\nb.py").write_text(SCRIPT)
    assert epy("build", "a\nb.py").stdout == "a\\nb.py -> a\\nb.so\n"


# ---- signals


@pytest.mark.parametrize(
    ("number", "said"), [(signal.SIGINT, b"epy: interrupted\n"), (signal.SIGTERM, b"")]
)
def test_a_build_that_is_interrupted_leaves_nothing(tmp_path, number, said):
    (tmp_path / "slow.py").write_text(
        "import time\nopen('started', 'w').close()\nwhile True: time.sleep(0.01)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "epy", "build", "slow.py"], cwd=tmp_path, stderr=subprocess.PIPE
    )
    while not (tmp_path / "started").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    assert process.communicate(timeout=120) == (None, said)
    assert process.returncode == -number
    assert sorted(os.listdir(tmp_path)) == ["slow.py", "started"]


def test_a_signal_while_the_plugin_is_written_waits_until_it_is_there(run, tmp_path):
    program = """
import os, signal
from pathlib import Path
from epy._file import stamp
replace = os.replace
def interrupted(*paths):
    os.kill(os.getpid(), signal.SIGTERM)
    replace(*paths)
os.replace = interrupted
stamp.write(Path("synth.so"), b"all of it")
"""
    run(sys.executable, "-c", program, status=-signal.SIGTERM)
    assert os.listdir(tmp_path) == ["synth.so"]
    assert (tmp_path / "synth.so").read_bytes() == b"all of it"
