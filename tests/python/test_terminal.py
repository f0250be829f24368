"""What a terminal sees of the commands that a file or a pipe does not."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest


@pytest.fixture
def on_terminal(tmp_path):
    """`on_terminal(command, ...)`: the status, and all that it writes to a terminal.

    When the text `until` is there the file "seen" is made.
    """

    def on_terminal(*command, env=None, until=None):
        ours, theirs = pty.openpty()
        variables = {**os.environ, "TERM": "xterm", **(env or {})}
        if "NO_COLOR" not in (env or {}):
            variables.pop("NO_COLOR", None)
        with subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            cwd=tmp_path,
            env=variables,
        ) as process:
            os.close(theirs)
            seen = b""
            while True:
                try:
                    part = os.read(ours, 4096)
                except OSError:  # a terminal without a writer
                    break
                if not part:
                    break
                seen += part
                if until is not None and until.encode() in seen:
                    (tmp_path / "seen").touch()
        os.close(ours)
        return process.returncode, seen.decode()

    return on_terminal


def test_a_mistake_is_red(on_terminal):
    status, seen = on_terminal("-m", "epy", "build", "none.py")
    assert status == 2 and seen.startswith("\x1b[1;31mepy:\x1b[0m ")


def test_what_is_well_is_green(on_terminal):
    _, seen = on_terminal("-m", "epy", "doctor")
    assert "\x1b[32mok\x1b[0m  machine" in seen


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_who_wants_no_colours_gets_none(on_terminal, env):
    _, seen = on_terminal("-m", "epy", "doctor", env=env)
    assert "ok  machine" in seen and "\x1b" not in seen


def test_a_pipe_gets_no_colours(epy):
    assert "\x1b" not in epy("doctor", env={"TERM": "xterm"}).stdout


# It waits for the line itself, however long that takes.
WORK = """
import io, sys, time
from epy._command.progress import Progress

class Seen(io.StringIO):
    def isatty(self):
        return True

terminal, sys.stderr = sys.stderr, Seen()
with Progress("first") as progress:
    progress.now = "compiles"
    while "compiles" not in sys.stderr.getvalue():
        time.sleep(0.01)
seen, sys.stderr = sys.stderr.getvalue(), terminal
print(repr(seen))
"""


def test_progress_shows_and_goes(run):
    seen = run(sys.executable, "-c", WORK, env={"TERM": "xterm"}).stdout
    assert "epy: compiles (" in seen and seen.rstrip().endswith("\\r\\x1b[K'")


def test_progress_is_nothing_for_a_pipe(run):
    code = "from epy._command.progress import Progress\nwith Progress('x') as it: print(it._thread)"
    result = run(sys.executable, "-c", code, env={"TERM": "xterm"})
    assert (result.stdout, result.stderr) == ("None\n", "")


# It waits until it is seen that it takes long.
SLOW = """
import os, time, epy

while not os.path.exists("seen"):
    time.sleep(0.01)

host = epy.header("slow.h")

@host.export
def f():
    return 1
"""
SLOW_HEADER = "int f(void);\n"


@pytest.mark.parametrize(
    "command", [("build", "slow.py"), ("run", "slow.py", "--", "true", "{}")], ids=lambda it: it[0]
)
def test_a_build_that_takes_long_says_so(on_terminal, tmp_path, command):
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "slow.h").write_text(SLOW_HEADER)
    said = "epy: builds slow.py ("
    status, seen = on_terminal(
        "-m", "epy", *command, env={"XDG_CACHE_HOME": str(tmp_path)}, until=said
    )
    assert status == 0
    assert said in seen and seen.rpartition(said)[2].partition(")")[2].startswith("\r\x1b[K")


ASKS = SLOW.replace("host =", "input('Well? ')\nhost =")


def test_a_script_that_asks_has_the_terminal_for_itself(on_terminal, tmp_path):
    (tmp_path / "slow.py").write_text(ASKS)
    (tmp_path / "slow.h").write_text(SLOW_HEADER)
    status, seen = on_terminal("-m", "epy", "build", "slow.py", until="epy: builds slow.py (")
    assert status == 2 and "Well? " in seen
    assert "builds" not in seen.partition("Well? ")[2]
