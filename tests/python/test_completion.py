"""What `epy completion SHELL` prints completes in that shell, at a terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time

import pytest

LIMIT = 120  # seconds for an answer: the shell hangs
READY = "rea''dy"  # what is typed is echoed: not in this form

# A program that says what it was given, and how a shell takes the completions.
PROGRAM = '#!/bin/sh\necho ran: "$@"\n'
SHELLS = {
    "bash": ("--norc --noprofile -i", "epy.bash", ["PS1='% '", "source ./epy.bash"]),
    "zsh": (
        "-f -i",
        "_epy",
        ["PS1='%% '; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D"],
    ),
    "tcsh": ("-f -i", "epy.tcsh", ["set prompt = '% '; set edit", "source ./epy.tcsh"]),
}


class Terminal:
    """A program at a terminal of its own, and a user who reads what it writes before typing on."""

    def __init__(self, command, folder):
        self._end, end = pty.openpty()
        path = f"{folder}:{os.environ['PATH']}"
        self._shell = subprocess.Popen(
            command,
            stdin=end,
            stdout=end,
            stderr=end,
            cwd=folder,
            start_new_session=True,
            env={"PATH": path, "TERM": "vt100", "HOME": str(folder), "LC_ALL": "C"},
        )
        os.close(end)
        self._seen = ""

    def type(self, text):
        os.write(self._end, text.encode())

    def wait_for(self, wanted):
        """Reads on until it has been written."""
        until = time.monotonic() + LIMIT
        while wanted not in self._seen:
            readable, _, _ = select.select([self._end], [], [], max(0, until - time.monotonic()))
            assert readable, f"no {wanted!r} in {self._seen!r}"
            self._seen += os.read(self._end, 4096).decode(errors="replace")
        self._seen = self._seen.partition(wanted)[2]

    def close(self):
        self._shell.kill()
        self._shell.wait()
        os.close(self._end)


@pytest.fixture(params=SHELLS)
def terminal(request, epy, tmp_path):
    options, file, setup = SHELLS[request.param]
    (tmp_path / file).write_text(epy("completion", request.param).stdout)
    (tmp_path / "script.py").touch()
    (tmp_path / "epy").write_text(PROGRAM)
    (tmp_path / "epy").chmod(0o755)
    opened = Terminal([request.param, *options.split()], tmp_path)
    for line in (*setup, f"echo {READY}"):
        opened.type(line + "\n")
    opened.wait_for("ready")
    opened.wait_for("% ")
    yield opened
    opened.close()


def test_commands_files_and_options_are_completed(terminal):
    for typed, added, ran in [
        ("do", "ctor", "doctor"),
        ("build scri", "pt.py", "build script.py"),
        ("build --ed", "itable", "build --editable"),
    ]:
        terminal.type(f"epy {typed}\t")
        terminal.wait_for(added)
        terminal.type("\n")
        terminal.wait_for(f"ran: {ran}")
        terminal.wait_for("% ")
