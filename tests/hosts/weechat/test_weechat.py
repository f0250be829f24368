"""weechat runs each Python script in an interpreter of its own; hooks find one of them current."""

import re

import pytest

pytestmark = [
    pytest.mark.needs("weechat-headless", "/usr/lib/*/weechat/plugins/python.so"),
    pytest.mark.parametrize("python", ["system", "venv"], indirect=True),
]

SCRIPT = """
import atexit, sys, weechat

def said(text):
    with open("said", "a") as file:
        file.write(f"NAME: {text}\\n")

def command(data, buffer, text):
    what, _, rest = text.partition(" ")
    if what == "run":
        weechat.command(buffer, rest)
    elif what == "looks":
        said((sys.prefix, sys.path, sys.argv, sys.flags))
    else:
        said(rest)
    return weechat.WEECHAT_RC_OK

def bye():
    said("bye")
    return weechat.WEECHAT_RC_OK

weechat.register("NAME", "me", "1", "MIT", "", "bye", "")
weechat.hook_command("NAME", "", "", "", "", "command", "")
atexit.register(said, "exit function")
"""
PYTHON = ["/plugin load python", "/python load {}/one.py", "/python load {}/two.py"]
EPY = ["/plugin load {}/check.so"]
TALK = ["/one say 1", "/epy say 2", "/two say 3", "/epy say 4", "/epy run /one run /epy say 5"]
TALKED = ["one: 1", "epy: 2", "two: 3", "epy: 4", "epy: 5"]
ENDED = {
    "one": ["one: bye", "one: exit function"],
    "two": ["two: bye", "two: exit function"],
    "epy": ["epy: end", "epy: unload"],
}
# weechat's end of a plugin finds no Python where the one that loaded Python goes first.
GONE = (
    "the host has finalized Python: calls return their error values until it initializes Python"
    " again\n"
)


@pytest.fixture
def weechat(run_host, tmp_path, packages):
    """`weechat(command, ...)`: what was said before its end, and by each at the end."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text(SCRIPT.replace("NAME", name), encoding="utf-8")

    def weechat(*commands, errors=""):
        said = tmp_path / "said"
        said.write_text("", encoding="utf-8")
        sequence = ";".join([*commands, "/quit"]).format(*[tmp_path] * 100)
        result = run_host(
            "weechat-headless", "--dir", tmp_path / "home", "--plugins", "fifo", "-r", sequence
        )
        assert re.sub(r"\x1b\[\?\d+[hl]", "", result.stderr) == errors
        return said.read_text().replace(f"epy of {packages}", "epy").split("\n")[:-1]

    return weechat


def at_end(lines):
    return {name: [line for line in lines if line.startswith(f"{name}: ")] for name in ENDED}


def test_python_alone(weechat):
    lines = weechat(*PYTHON, "/one say 1", "/two say 2")
    assert lines[:2] == ["one: 1", "two: 2"]
    assert at_end(lines[2:]) == {**ENDED, "epy": []}


def test_python_first(weechat):
    lines = weechat(*PYTHON, *EPY, *TALK)
    assert lines[: len(TALK)] == TALKED
    assert at_end(lines[len(TALK) :]) == ENDED


def test_epy_first(weechat, plugin):
    lines = weechat(*EPY, "/epy say 0", *PYTHON, *TALK, errors=f"epy: {plugin}: {GONE}")
    assert lines[: len(TALK) + 1] == ["epy: 0", *TALKED]
    assert at_end(lines[len(TALK) + 1 :]) == {**ENDED, "epy": ["epy: unload"]}


def test_python_goes_and_comes(weechat):
    """The plugin's command was a callback into the Python that has gone."""
    lines = weechat(
        *(*PYTHON, *EPY, *TALK, "/plugin unload python", *PYTHON, *TALK),
        errors=f"epy: callback 'command': {GONE}",
    )
    assert lines[: len(TALK)] == TALKED
    gone = lines.index("one: 1", len(TALK))
    assert at_end(lines[len(TALK) : gone]) == {**ENDED, "epy": ["epy: unload"]}
    assert lines[gone : gone + 2] == ["one: 1", "two: 3"]
    assert at_end(lines[gone + 2 :]) == {**ENDED, "epy": []}


def test_a_plugin_goes_and_comes(weechat):
    """weechat keeps the GIL: an unload goes on when it gives it up, at the latest at the end."""
    lines = weechat(*PYTHON, *EPY, *TALK, "/plugin unload check", *EPY, *TALK)
    assert lines.count("epy: unload") == 2
    lines = [line for line in lines if line != "epy: unload"]
    assert lines[: 2 * len(TALK) + 2] == [*TALKED, "epy: end", *TALKED, "epy: end"]


def test_each_python_looks_as_it_does_alone(weechat, plugin):
    looks = ["/one looks", "/two looks"]
    alone = weechat(*PYTHON, *looks)[:2]
    assert weechat(*PYTHON, *EPY, "/epy say 1", *looks)[1:3] == alone
    end = f"epy: {plugin}: {GONE}"
    assert weechat(*EPY, "/epy say 1", *PYTHON, *looks, errors=end)[1:3] == alone
