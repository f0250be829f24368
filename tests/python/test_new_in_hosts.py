"""What `epy new` writes is loaded by its host, with the very commands that the script names."""

import re

import pytest

from epy._command.new import hosts

# What the host prints, by the host's name; PAM's host is a program of its own: test_new.
PRINTED = {
    "bash": "HELLO!\n",
    "ladspa": 'Plugin Name: "shout"\n',
    "lua": "HELLO!\n",
    "make": "HELLO!\n",
    "nbdkit": "1048576",
    "nss": "alice:x:4242:4242:Alice:/nowhere:/bin/sh\n",
    "sqlite3": "HELLO!\n",
}


def test_every_host_is_tried():
    assert {*PRINTED, "pam"} == set(hosts())


@pytest.mark.parametrize("host", PRINTED)
def test_the_host_takes_the_plugin(epy, run, tmp_path, host):
    epy("new", "shout", "--host", host)
    text = (tmp_path / "shout.py").read_text()
    build, *commands = re.findall(r"^    (\S.*)$", text.split('"""')[1], re.MULTILINE)
    epy(*build.removeprefix("epy ").split())
    if host == "ladspa":  # which the second command takes
        run("sox", "-n", "-r", "8000", "-b", "16", "in.wav", "synth", "0.1", "sine", "440")
    printed = [run("bash", "-c", it, env={"PYTHONPATH": None}).stdout for it in commands]
    assert PRINTED[host] in printed[0]
