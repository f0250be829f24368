"""FreeRADIUS runs each Python module in an interpreter of its own, called by a pool of threads."""

import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.needs("freeradius", "/usr/lib/freeradius/rlm_python3.so"),
    pytest.mark.parametrize("python", ["system", "venv"], indirect=True),
]
LIMIT = 600  # seconds: for a hang
REQUESTS = 50
SAID = ("python: ", "epy of ")

SCRIPT = """
import atexit, sys
import radiusd

requests = 0

def said(text):
    with open("said", "a") as file:
        file.write(f"python: {text}\\n")

def instantiate(p):
    said("instantiate")
    with open("looks", "w") as file:
        file.write(repr((sys.prefix, sys.path, sys.argv, sys.flags)))

def authorize(p):
    global requests
    requests += 1
    return radiusd.RLM_MODULE_OK

def detach(p=None):
    said(f"{requests} requests")

atexit.register(said, "exit function")
"""
SETTINGS = """
prefix = {folder}
localstatedir = {folder}
logdir = {folder}
run_dir = {folder}
raddbdir = {folder}
libdir = {folder}/modules
log {{ destination = stdout }}
security {{ allow_core_dumps = no }}
thread pool {{
    start_servers = 4
    max_servers = 4
    min_spare_servers = 1
    max_spare_servers = 4
}}
client localhost {{
    ipaddr = 127.0.0.1
    secret = secret
}}
modules {{
    python3 {{
        python_path = "{folder}"
        module = script
        mod_instantiate = ${{.module}}
        func_instantiate = instantiate
        mod_authorize = ${{.module}}
        func_authorize = authorize
        mod_detach = ${{.module}}
        func_detach = detach
    }}
    {check}
}}
instantiate {{
    {order}
}}
server default {{
    listen {{
        type = auth
        ipaddr = 127.0.0.1
        port = {port}
    }}
    authorize {{
        update control {{
            Auth-Type := Accept
        }}
        {order}
    }}
}}
"""


@pytest.fixture
def build_options(run):
    version = re.search(r"Version (\d+)\.(\d+)\.(\d+)", run("freeradius", "-v").stdout)
    number = "".join(f"{int(part):02}" for part in version.groups())
    return ("-D", f"VERSION=0xf{number}00000ULL")


def ask(port, number):
    """Whether a request, the smallest there is, was accepted."""
    request = b"\x01" + bytes([number]) + b"\x00\x19" + os.urandom(16) + b"\x01\x05abc"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(LIMIT)
        client.sendto(request, ("127.0.0.1", port))
        return client.recv(4096)[:2] == b"\x02" + bytes([number])


@pytest.fixture
def freeradius(tmp_path, plugin):
    """`freeradius(module, ...)`: a server that instantiates and asks these modules in their order.

    Its exit status, what was on stderr, what is strange in its log, what Python said; what epy
    said; what Python looks like.
    """
    modules = tmp_path / "modules"
    modules.mkdir()
    for library in Path("/usr/lib/freeradius").glob("*.so"):
        (modules / library.name).symlink_to(library)
    plugin.rename(modules / "rlm_check.so")
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    words = "$INCLUDE /usr/share/freeradius/dictionary\n"
    (tmp_path / "dictionary").write_text(words, encoding="utf-8")

    def freeradius(*order):
        said = tmp_path / "said"
        said.write_text("", encoding="utf-8")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        check = "check {\n}" if "check" in order else ""
        settings = SETTINGS.format(folder=tmp_path, port=port, check=check, order="\n".join(order))
        (tmp_path / "radiusd.conf").write_text(settings, encoding="utf-8")
        log = tmp_path / "log"
        with log.open("w") as output, (tmp_path / "stderr").open("w") as errors:
            process = subprocess.Popen(
                ["freeradius", "-f", "-d", tmp_path],
                cwd=tmp_path,
                env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
        try:
            end = time.monotonic() + LIMIT
            while "Ready to process requests" not in log.read_text():
                assert process.poll() is None and time.monotonic() < end, log.read_text()
                time.sleep(0.01)
            assert all(ask(port, number) for number in range(REQUESTS))
            process.terminate()
            status = process.wait(LIMIT)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        errors = (tmp_path / "stderr").read_text()
        strange = [
            line for line in log.read_text().splitlines() if "Error" in line or "epy" in line
        ]
        lines = said.read_text().split("\n")[:-1]
        python, epy = ([line for line in lines if line.startswith(who)] for who in SAID)
        return (status, errors, strange, python), epy, (tmp_path / "looks").read_text()

    return freeradius


# Alone, too, FreeRADIUS aborts at its end.
@pytest.mark.parametrize(
    "order", [("python3", "check"), ("check", "python3")], ids=["python", "epy"]
)
def test_both(freeradius, order, packages):
    alone, _, _ = freeradius("python3")
    epy = [f"epy of {packages}: instantiate", f"epy of {packages}: {REQUESTS} requests"]
    assert freeradius(*order)[:2] == (alone, epy)


@pytest.mark.parametrize(
    "order", [("python3", "check"), ("check", "python3")], ids=["python", "epy"]
)
def test_each_python_looks_as_it_does_alone(freeradius, order):
    assert freeradius(*order)[2] == freeradius("python3")[2]
