"""`epy run`: a host with a plugin that is built for it, and follows its script."""

import os

import pytest

SCRIPT = """
import epy

@epy.export("int answer(void)")
def answer():
    return 1
"""
HOST = """
import ctypes, os, sys, time
answer = ctypes.CDLL(sys.argv[1]).answer
print(answer())
text = open("plugin.py").read().replace("return 1", "return 2")
open("new", "w").write(text)
os.rename("new", "plugin.py")
while answer() == 1:
    time.sleep(0.01)
print(answer())
sys.exit(7)
"""


@pytest.fixture
def script(tmp_path):
    (tmp_path / "plugin.py").write_text(SCRIPT)
    (tmp_path / "host.py").write_text(HOST)
    return "plugin.py"


@pytest.fixture
def cache(tmp_path):
    return {"XDG_CACHE_HOME": str(tmp_path / "cache")}


def test_the_host_sees_an_edited_script(epy, script, cache):
    result = epy("run", script, "--", "python3", "host.py", "{}", env=cache, status=7)
    assert result.stdout == "1\n2\n"


def test_nothing_is_left_beside_the_script(epy, script, cache, tmp_path):
    result = epy("run", script, "--", "ls", "{}", "{folder}", env=cache)
    folder = next((tmp_path / "cache" / "epy" / "run").iterdir())
    assert result.stdout == f"{folder}/plugin.so\n\n{folder}:\nplugin.so\n"
    assert folder.stat().st_mode & 0o077 == 0
    assert not (tmp_path / "plugin.so").exists()


def test_a_host_that_names_no_plugin_gets_it_preloaded(epy, cache, tmp_path):
    (tmp_path / "who.py").write_text(
        'import epy\n@epy.export("unsigned int geteuid(void)")\ndef geteuid():\n    return 4242\n'
    )
    assert epy("run", "who.py", "--", "id", "-u", env=cache).stdout == "4242\n"


@pytest.mark.parametrize("name", ["a plugin.py", "a:plugin.py"])
def test_what_the_linker_would_take_for_two_paths_is_not_preloaded(
    mistake, script, monkeypatch, tmp_path, name
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    os.rename(tmp_path / script, tmp_path / name)
    assert f"/{name[:-3]}.so: LD_PRELOAD takes no path" in mistake("run", name, "--", "id")


def test_options_of_the_host_are_the_host_s(epy, script, cache):
    assert epy("run", script, "--", "sh", "-c", "echo $0 -o", "{}", env=cache).stdout.endswith(
        "plugin.so -o\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name the host's command line: epy run plugin.py -- HOST ARG ..."),
        (["--", "no-such-host"], "no-such-host: No such file or directory; the host's command "),
        (
            ["-I", "in", "--", "ls"],
            "-I: options come first, the host's command line comes after --",
        ),
    ],
)
def test_mistakes(mistake, script, tmp_path, arguments, message):
    assert mistake("run", script, *arguments).startswith(message)
    assert "plugin.so" not in os.listdir(tmp_path)


def test_headers_are_read_with_the_options_of_the_build(epy, cache, tmp_path):
    (tmp_path / "headers").mkdir()
    (tmp_path / "headers/answer.h").write_text("int answer(void);\nenum { VALUE = NUMBER };\n")
    (tmp_path / "plugin.py").write_text(
        "import epy\nhost = epy.header('answer.h')\n"
        "@host.export\ndef answer():\n    return host.VALUE\n"
    )
    (tmp_path / "host.py").write_text(
        "import ctypes, sys\nprint(ctypes.CDLL(sys.argv[1]).answer(), *sys.argv[2:])\n"
    )
    result = epy(
        *("run", "-isystemheaders", "-DNUMBER=42", "plugin.py"),
        *("--", "python3", "host.py", "{}", "-isystemhost"),  # which is the host's own
        env=cache,
    )
    assert result.stdout == "42 -isystemhost\n"
