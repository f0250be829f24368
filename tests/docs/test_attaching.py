"""An editor attaches, by debugpy, to the plugin that the page on debugging shows."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/debugging.md"
LIMIT = 120  # seconds: it hangs


class Editor:
    """What a debug adapter is told, and what it answers."""

    def __init__(self, port):
        self._connection = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
        self._stream = self._connection.makefile("rwb")
        self._sent = 0

    def send(self, command, **arguments):
        self._sent += 1
        request = {"seq": self._sent, "type": "request", "command": command}
        data = json.dumps({**request, "arguments": arguments}).encode()
        self._stream.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        self._stream.flush()

    def wait_for(self, name):
        """The body of an event, or of the answer to a command."""
        while True:
            size = 0
            while head := self._stream.readline().strip():
                size = int(head.rpartition(b":")[2])
            message = json.loads(self._stream.read(size))
            if name in (message.get("event"), message.get("command")):
                assert message.get("success", True), message
                return message.get("body", {})

    def close(self):
        self._stream.close()
        self._connection.close()

    def ask(self, command, **arguments):
        self.send(command, **arguments)
        return self.wait_for(command)


def test_an_editor_stops_in_a_function_and_changes_a_value(epy, tmp_path):
    pytest.importorskip("debugpy", reason="not run: debugpy is missing: see tests/setup.sh")
    (text,) = re.findall(r":caption: attached\.py\n\n(.*?)```", PAGE.read_text(), re.DOTALL)
    script = tmp_path / "attached.py"
    script.write_text(text)
    line = next(i for i, it in enumerate(text.splitlines(), 1) if "return 2 * number" in it)
    epy("build", script)
    call = [sys.executable, "-m", "epy", "call", "attached.so", "double_it", "4"]
    settings = {"DEBUG_PORT": "0", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    with subprocess.Popen(
        ["env", *(f"{name}={value}" for name, value in settings.items()), *call],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    ) as host:
        try:
            editor = Editor(int(host.stdout.readline().split()[-1]))
            editor.ask("initialize", adapterID="test")
            editor.send("attach", justMyCode=False)
            editor.wait_for("initialized")
            editor.ask("setBreakpoints", source={"path": str(script)}, breakpoints=[{"line": line}])
            editor.send("configurationDone")
            thread = editor.wait_for("stopped")["threadId"]
            (frame, *_) = editor.ask("stackTrace", threadId=thread)["stackFrames"]
            assert (frame["name"], frame["line"]) == ("double_it", line)
            number = {"expression": "number", "frameId": frame["id"]}
            assert editor.ask("evaluate", **number)["result"] == "4"
            editor.ask("setExpression", **number, value="21")
            editor.ask("continue", threadId=thread)
            assert host.stdout.readline() == "42\n"
            editor.close()  # then the adapter ends too
            assert host.wait(LIMIT) == 0
        finally:
            host.kill()
