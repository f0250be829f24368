"""uWSGI serves two Python applications, the second in a sub-interpreter, from forked workers.

Without `--enable-threads` it keeps the GIL from its start on; then C code below finds it held.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time

import pytest

APPLICATION = """
import atexit, ctypes, os, sys
import uwsgi

@atexit.register
def ended():
    open(f"ended-NAME-{os.getpid()}", "w").close()

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    query = environ["QUERY_STRING"]
    if query == "looks":
        return [repr((sys.prefix, sys.path, sys.argv, sys.flags)).encode()]
    if query == "call":
        return [str(ctypes.CDLL("./check.so").add1(1)).encode()]
    if query == "held":
        return [str(ctypes.PyDLL("./check.so").add1(1)).encode()]
    if query == "procedure":
        return [uwsgi.call(b"add1", b"1")]
    return [b"2 by python"]
"""
LIMIT = 600  # seconds: for a hang
PYTHON = "python3"
ORDERS = {"python": [PYTHON, "./late_plugin.so"], "epy": ["./early_plugin.so", PYTHON]}

pytestmark = [
    pytest.mark.needs("uwsgi", "/usr/lib/uwsgi/plugins/python3_plugin.so"),
    pytest.mark.parametrize("python", ["system", "venv"], indirect=True),
]


@pytest.fixture
def build_options(run, tmp_path):
    header = run("uwsgi", "--dot-h").stdout
    (tmp_path / "uwsgi.h").write_text(header, encoding="utf-8")
    return ("-I", tmp_path)


class Server:
    def __init__(self, folder, plugins, options, applications):
        self.folder, self.log = folder, folder / "log"
        for file in folder.glob("ended-*"):
            file.unlink()
        options = [
            *("--plugins-dir", "/usr/lib/uwsgi/plugins", *options),
            *(f"--need-plugin={plugin}" for plugin in plugins),
            *("--http-socket", "socket", "--master", "--processes", "2", "--disable-logging"),
            *(f"--mount=/{name}={name}.py" for name in applications),
            *("--manage-script-name", "--hook-accepting", "print:a worker is ready"),
        ]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["uwsgi", *options],
                cwd=folder,
                env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + LIMIT
        while self.log.read_text().splitlines().count("a worker is ready") < 2:
            assert self.process.poll() is None and time.monotonic() < end, self.log.read_text()
            time.sleep(0.01)

    def get(self, place, query):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(LIMIT)
            connection.connect(str(self.folder / "socket"))
            connection.sendall(f"GET /{place}?{query} HTTP/1.0\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        assert answer.startswith("HTTP/1.0 200 OK\r\n"), self.log.read_text()
        return answer.partition("\r\n\r\n")[2]

    def stop(self):
        """Its exit status, what is strange in its log, and whose exit functions have run."""
        status = None
        end = time.monotonic() + LIMIT
        while status is None and time.monotonic() < end:
            # Until the master has its own handler, Python's takes the signal, and is not asked.
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = self.process.wait(10)
        strange = re.compile("^epy:|!!!|DAMN|Error|error|signal|Fatal|Traceback|abort")
        lines = [line for line in self.log.read_text().splitlines() if strange.search(line)]
        lines = [line for line in lines if "running uWSGI as root !!!" not in line]
        return status, lines, {file.name.split("-")[1] for file in self.folder.glob("ended-*")}


@pytest.fixture
def uwsgi(tmp_path, plugin):
    """`uwsgi(plugin, ...)`: a server that has loaded these in their order."""
    for name in ("one", "two"):
        text = APPLICATION.replace("NAME", name)
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    for name in ("early", "late"):
        (tmp_path / f"{name}_plugin.so").write_bytes(plugin.read_bytes())
    servers = []

    def uwsgi(*plugins, options=(), applications=("one", "two")):
        servers.append(Server(tmp_path, plugins, options, applications))
        return servers[-1]

    yield uwsgi
    for server in servers:
        if server.process.poll() is None:
            os.killpg(server.process.pid, signal.SIGKILL)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("options", [[], ["--enable-threads"]], ids=["", "threads"])
def test_two_applications(uwsgi, order, options, packages):
    server = uwsgi(*ORDERS[order], options=options)
    for place in ["one", "two"] * 10:
        assert server.get(place, "") == "2 by python"
        assert server.get(place, "procedure") == f"2 by {packages}"
        assert server.get(place, "call") == "2"
        assert server.get(place, "held") == "2"
    server.stop()  # uWSGI aborts here also without epy: the second interpreter is still there


def the_end(uwsgi, packages, order):
    """Not each worker runs Python's exit functions, alone or not: one of a few does."""
    for _ in range(50):
        server = uwsgi(*ORDERS[order], applications=["one"])
        for _ in range(10):
            assert server.get("one", "procedure") == f"2 by {packages}"
        status, strange, ended = server.stop()
        assert (status, strange) == (0, [])
        if ended == {"one"}:
            return
    pytest.fail("no exit function ran")


def test_the_end_python_first(uwsgi, packages):
    the_end(uwsgi, packages, "python")


def test_the_end_epy_first(uwsgi, packages):
    the_end(uwsgi, packages, "epy")


@pytest.mark.parametrize("order", ORDERS)
def test_each_python_looks_as_it_does_alone(uwsgi, order):
    alone = uwsgi(PYTHON)
    looks = [alone.get(place, "looks") for place in ("one", "two")]
    alone.stop()
    server = uwsgi(*ORDERS[order])
    assert server.get("one", "call") == server.get("two", "call") == "2"
    assert [server.get(place, "looks") for place in ("one", "two")] == looks
    server.stop()


def test_a_library_of_the_applications(uwsgi):
    server = uwsgi(PYTHON)
    for place in ["two", "one"] * 10:
        assert server.get(place, "call") == "2"
        assert server.get(place, "held") == "2"
    server.stop()
