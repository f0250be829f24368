"""`epy new`: what it writes works as it is: its own tests pass, and the host takes the plugin."""

import os
import sqlite3
import sys

import pytest

from epy._command.new import hosts


@pytest.fixture
def new(epy):
    """`new("shout", "lua")`: the files that are written."""
    return lambda *arguments: epy("new", *arguments).stdout.splitlines()


@pytest.mark.parametrize("host", hosts())
def test_the_tests_that_are_written_pass(new, run, host):
    if host == "sqlite3" and not hasattr(sqlite3.Connection, "enable_load_extension"):
        pytest.skip("not run: this Python's SQLite is one that loads no extensions")
    assert new("shout", "--host", host) == ["shout.py", "test_shout.py"]
    result = run(sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider")
    assert " passed" in result.stdout and "skipped" not in result.stdout, result.stdout


def test_sqlite_takes_the_plugin(new, epy, run):
    new("shout", "--host", "sqlite3")
    epy("build", "shout.py")
    result = run("sqlite3", ":memory:", ".load ./shout", "select shout('hello')")
    assert result.stdout == "HELLO!\n"


PAM_HOST = r"""
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int answer(int count, const struct pam_message **questions, struct pam_response **out,
                  void *word) {
    (void)questions;
    *out = calloc((size_t)count, sizeof **out);
    for (int i = 0; i < count; i++)
        (*out)[i].resp = strdup(word);
    return PAM_SUCCESS;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        struct pam_conv conversation = {answer, argv[i]};
        pam_handle_t *handle = NULL;
        pam_start_confdir("shout", "root", &conversation, "pam.d", &handle);
        int status = pam_authenticate(handle, 0);
        printf("%s\n", status == PAM_SUCCESS ? "in" : status == PAM_AUTH_ERR ? "out" : "?");
        pam_end(handle, status);
    }
}
"""


def test_pam_takes_the_plugin(new, epy, run, compile_c, tmp_path):
    new("shout", "--host", "pam")
    epy("build", "shout.py")
    (tmp_path / "pam.d").mkdir()
    (tmp_path / "pam.d" / "shout").write_text(f"auth required {tmp_path}/shout.so\n")
    host = compile_c(PAM_HOST, "-lpam")
    result = run(host, "sesame", "open", "sesame")
    assert result.stdout == "in\nout\nin\n", result.stderr


def test_without_a_name_it_is_plugin_in_this_folder(new):
    assert new("--host", "bash") == ["plugin.py", "test_plugin.py"]


def test_in_another_folder(new, tmp_path):
    (tmp_path / "sub").mkdir()
    new("sub/shout.py", "--host", "make")
    assert sorted(os.listdir(tmp_path / "sub")) == ["shout.py", "test_shout.py"]


def test_what_is_there_stays(new, mistake, tmp_path):
    (tmp_path / "test_shout.py").write_text("mine")
    message = mistake("new", "shout", "--host", "bash")
    assert message == "test_shout.py: is there already; give another NAME"
    assert (tmp_path / "test_shout.py").read_text() == "mine"
    assert os.listdir(tmp_path) == ["test_shout.py"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a-b", "--host", "bash"], "'a-b': no name for a script: use letters, digits and _"),
        (["--host", "sqlite"], "--host sqlite: no skeleton for it; did you mean sqlite3?"),
        (["--host", "?"], f"--host ?: no skeleton for it; there are {', '.join(hosts())}"),
        (["class", "--host", "bash"], "'class': no name for a script: use letters, digits and _, "),
        (["a/epy.py", "--host", "bash"], "'epy': no name for a script: "),
        (["no/folder", "--host", "bash"], "no/folder.py: No such file or directory; check the "),
    ],
)
def test_mistakes(mistake, tmp_path, arguments, message):
    assert mistake("new", *arguments).startswith(message)
    assert os.listdir(tmp_path) == []


PLAYER = """
#ifndef PLAYER_H
#define PLAYER_H
enum player_state { PLAYER_STOPPED, PLAYER_RUNS };
typedef struct player_effect {
    int version;
    const char *name;
    void *(*create)(int rate);
    enum player_state (*process)(void *self, const float *in, float *out, int count);
} player_effect;
const player_effect *player_get_effect(int index);
int player_start(const char *from, double (*clock)(void));
void player_log(const char *format, ...);
#endif
"""
SCRIPT = """\
\"\"\"effect: a plugin for hosts with the interface of player.h.

    epy build effect.py
\"\"\"

import epy

host = epy.header("player.h")


def create(rate):
    \"\"\"void *create(int rate)\"\"\"
    raise NotImplementedError


def process(self, in_, out, count):
    \"\"\"enum player_state process(void *self, const float *in, float *out, int count)\"\"\"
    raise NotImplementedError


effect = host.player_effect(
    # version=...,  # int version
    # name=...,  # char *name
    create=create,
    process=process,
)


@host.export
def player_get_effect(index):
    \"\"\"const player_effect *player_get_effect(int index)\"\"\"
    return effect


@host.export
def player_start(from_, clock):
    \"\"\"int player_start(const char *from, double (*clock)(void))\"\"\"
    raise NotImplementedError
"""


def test_any_header(new, run, tmp_path):
    (tmp_path / "player.h").write_text(PLAYER)
    patterns = ("--export", "player_get*", "--export", "player_start")
    new("effect", "--header", "player.h", *patterns)
    assert (tmp_path / "effect.py").read_text() == SCRIPT
    result = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert "2 passed" in result.stdout


def test_a_header_elsewhere(new, run, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "player.h").write_text(PLAYER)
    new("effect", "--header", "player.h", "--export", "player_start", "-I", f"{tmp_path}/sub")
    assert f"    epy build effect.py -I {tmp_path}/sub\n" in (tmp_path / "effect.py").read_text()
    result = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert "1 passed" in result.stdout


def test_a_name_in_the_header_is_its_own(new, epy, tmp_path):
    """Skeletons have NAME where the plugin's is to stand."""
    (tmp_path / "NAME.h").write_text("int NAME(int NAME); int GET_NAME(void);")
    new("effect", "--header", "NAME.h", "--export", "*NAME")
    text = (tmp_path / "effect.py").read_text()
    assert "def NAME(NAME):" in text and "def GET_NAME():" in text and '"NAME.h"' in text
    epy("build", "effect.py")


@pytest.mark.parametrize("folder", ["a b", "a\\x", os.fsdecode(b"\xff")])
def test_a_header_and_its_options_may_have_any_characters(new, epy, run, tmp_path, folder):
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "player.h").write_text("typedef TYPE value;\nvalue get(void);\n")
    given = ("-I", f"./{folder}", "-D", "TYPE=unsigned int", "-D", 'A="""', "-pthread")
    new("effect", "--header", f"./{folder}/player.h", "--export", "get", *given)
    text = (tmp_path / "effect.py").read_text()
    assert "-D 'TYPE=unsigned int' -D " in text
    epy("build", "effect.py", *given)
    result = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert "1 passed" in result.stdout


def test_a_header_without_such_a_function(mistake, tmp_path):
    (tmp_path / "player.h").write_text(PLAYER)
    arguments = ("new", "effect", "--header", "player.h")
    assert mistake(*arguments, "--export", "nothing_*") == (
        "player.h: declares no function like nothing_*; "
        "`epy inspect --header player.h` lists what it has"
    )
    assert mistake(*arguments) == (
        "--header needs --export PATTERN: the functions that the host looks up"
    )
    assert os.listdir(tmp_path) == ["player.h"]


ODD = """
typedef int lanes __attribute__((vector_size(16)));
struct odd_ops { int (*take)(lanes values); int (*plain)(int); };
int odd_sum(lanes values, int count);
const struct odd_ops *odd_get(void);
"""


def test_what_python_cannot_express_is_said_and_left_out(epy, run, tmp_path):
    (tmp_path / "odd.h").write_text(ODD)
    result = epy("new", "odd_one", "--header", "odd.h", "--export", "odd_*")
    assert result.stdout.split() == ["odd_one.py", "test_odd_one.py"]
    said = [
        "odd_sum: parameter 1: the attribute vector_size is not supported",
        "struct odd_ops.take: parameter 1: the attribute vector_size is not supported",
    ]
    lines = sorted(result.stderr.splitlines())
    assert [line.partition("; ")[0].rpartition(": ")[0] for line in lines] == [
        f"epy: left out: {it}" for it in said
    ]
    script = (tmp_path / "odd_one.py").read_text()
    assert "def odd_sum" not in script and f"# left out: {said[0]}" in script
    assert f"    # take=...,  # {said[1].partition(': ')[2]}" in script
    assert "1 passed" in run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider").stdout


UNUSUAL = """
struct ops {
    int (*sort)(void *base, int (*compare)(const void *, const void *), int len);
    void (*open)(void);
    int (*host)(const char *format, ...);
    char *(*unnamed)(int [3], char *);
    int (*(*nested)(int x))(double y);
};
const struct ops *ops_get(void);
long read(int file, void *list);
"""


def test_names_are_the_header_s_but_for_python_s_own(new, epy, tmp_path):
    """Who fills the functions in still has open(), len() and the header."""
    (tmp_path / "unusual.h").write_text(UNUSUAL)
    new("unusual", "--header", "unusual.h", "--export", "ops_get", "--export", "read")
    text = (tmp_path / "unusual.py").read_text()
    for line in (
        "def sort(base, compare, len_):",
        '    """int sort(void *base, int (*compare)(const void *, const void *), int len)"""',
        "def open_():",
        "def host_(format_):",
        '    """int host(const char *format, ...)"""',
        "def unnamed(value, value2):",
        "def nested(value):",
        "    open=open_,",
        "    host=host_,",
        "def read(file, list_):",
    ):
        assert f"\n{line}\n" in text
    epy("build", "unusual.py")


def test_what_cannot_be_written_leaves_nothing(run, tmp_path):
    command = (sys.executable, "-m", "epy", "new", "synth", "--host", "sqlite3")
    result = run("prlimit", "--fsize=100", *command, status=2)
    assert result.stderr.startswith("epy: synth.py: File too large")
    assert result.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == []
    run(*command)
