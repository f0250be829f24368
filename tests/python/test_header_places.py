"""Where headers are found, and what a compiler's options do to them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import epy as package

SCRIPT = """
import epy
host = epy.header("host.h"{more})
@host.export
def answer():
    return host.ANSWER
"""
HEADER = "#ifndef ANSWER\n#define ANSWER 1\n#endif\nint answer(void);\n"


@pytest.fixture
def answer(epy: Any, tmp_path: Path) -> Callable[..., str]:
    """`answer(*options)`: what a plugin says that was built with them."""

    def answer(*options: str | Path, more: str = "", env: Any = None) -> str:
        (tmp_path / "plugin.py").write_text(SCRIPT.format(more=more))
        epy("build", "plugin.py", *options, env=env)
        return str(epy("call", "./plugin.so", "answer").stdout.strip())

    return answer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the header, apart from the script."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "host.h").write_text(HEADER)
    return folder


def package_of(tmp_path: Path, name: str, flags: str) -> dict[str, str]:
    """The environment in which pkg-config knows a package."""
    places = tmp_path / "pkgconfig"
    places.mkdir(exist_ok=True)
    text = f"Name: {name}\nDescription: x\nVersion: 1\nCflags: {flags}\n"
    (places / f"{name}.pc").write_text(text)
    return {"PKG_CONFIG_PATH": str(places)}


def test_options_with_their_values_beside_or_behind_them(answer, folder) -> None:
    assert answer("-I", folder, "-D", "ANSWER=2") == "2"
    assert answer(f"-I{folder}", "-DANSWER=3") == "3"
    assert answer(f"-isystem{folder}", "-DANSWER") == "1"
    assert answer("-isystem", folder, "-DANSWER=4", "-UANSWER", "-D", "ANSWER=5") == "5"
    assert answer("-I", folder, "-DANSWER=4", "-U", "ANSWER") == "1"
    assert answer("-I", folder, "-pthread") == "1"


def test_a_macro_that_clang_has_can_be_unset(answer, folder) -> None:
    (folder / "host.h").write_text("#ifdef __linux__\n#define ANSWER 1\n#endif\nint answer(void);")
    assert answer("-I", folder) == "1"
    (folder / "host.h").write_text("#ifndef __linux__\n#define ANSWER 2\n#endif\nint answer(void);")
    assert answer("-I", folder, "-U__linux__") == "2"


def test_folders_of_the_system_come_after_the_others(answer, folder, tmp_path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "host.h").write_text("#define ANSWER 6\n" + HEADER)
    assert answer("-isystem", folder, "-I", "other") == "6"
    (tmp_path / "other" / "host.h").unlink()
    assert answer("-isystem", folder, "-I", "other") == "1"
    (tmp_path / "other" / "host.h").write_text("#define ANSWER 7\n" + HEADER)
    assert answer("-isystem", folder, "-I", "other") == "7"


def test_a_file_is_included_before(answer, folder, tmp_path) -> None:
    (tmp_path / "first.h").write_text("#define ANSWER 8\n")
    (folder / "second.h").write_text("#undef ANSWER\n#define ANSWER 9\n")
    assert answer("-I", folder, "-include", "first.h") == "8"
    assert answer("-I", folder, "-includefirst.h", "-include", "second.h") == "9"


@pytest.mark.parametrize("variable", ["CPATH", "C_INCLUDE_PATH"])
def test_the_folders_that_compilers_search(answer, folder, variable) -> None:
    assert answer(env={variable: f"/nowhere:{folder}"}) == "1"


def test_a_line_that_includes_a_header_is_text(epy, tmp_path) -> None:
    (tmp_path / "host.h").write_text(HEADER)
    (tmp_path / "plugin.py").write_text(SCRIPT.replace('"host.h"{more}', """'#include "host.h"'"""))
    epy("build", "plugin.py")
    assert epy("call", "./plugin.so", "answer").stdout == "1\n"


def test_a_fifo_in_such_a_folder_is_one_line(mistake, folder, monkeypatch, tmp_path) -> None:
    (folder / "host.h").unlink()
    os.mkfifo(folder / "host.h")
    (tmp_path / "plugin.py").write_text(SCRIPT.format(more=""))
    monkeypatch.setenv("CPATH", str(folder))
    assert "cannot be read (a FIFO, not a file)" in mistake("build", "plugin.py")


@pytest.mark.parametrize(
    "data, told",
    [
        (bytes(range(256)) * 40, "host.h: is binary"),
        (bytes(5_000_000), "host.h: is binary"),
        (HEADER.encode("utf-16"), "two bytes a character"),
        (HEADER.encode("utf-16-le"), "two bytes a character"),
        (HEADER.encode("cp500"), "is not UTF-8"),
    ],
)
def test_what_is_no_text_is_one_line(mistake, folder, tmp_path, data, told) -> None:
    (folder / "host.h").write_bytes(data)
    (tmp_path / "plugin.py").write_text(SCRIPT.format(more=""))
    line = mistake("build", "plugin.py", "-I", folder)
    assert told in line
    assert "iconv" in line


def test_latin_1_is_a_text(answer, folder) -> None:
    """In comments and strings."""
    (folder / "host.h").write_bytes(f"/* für */\n{HEADER}".encode("latin-1"))
    assert answer("-I", str(folder)) == "1"


def test_a_package_has_its_folders_and_macros(answer, folder, tmp_path) -> None:
    place = str(folder).replace(" ", "\\ ")
    env = package_of(tmp_path, "host-1.0", f"-I{place} -DANSWER=10 -pthread -Wall")
    package_of(tmp_path, "other", "-DOTHER=1")
    assert answer(more=', pkg="host-1.0"', env=env) == "10"
    assert answer(more=', pkg=["other", "host-1.0"]', env=env) == "10"
    assert answer("--pkg", "host-1.0", "--pkg=other", env=env) == "10"
    assert answer(more=', pkg="host-1.0", define={"ANSWER": 11}', env=env) == "11"


def test_a_plugin_needs_no_package_when_it_runs(answer, epy, folder, tmp_path) -> None:
    place = str(folder).replace(" ", "\\ ")
    env = package_of(tmp_path, "host-1.0", f"-I{place}")
    answer(more=', pkg="host-1.0"', env=env)
    (tmp_path / "pkgconfig" / "host-1.0.pc").unlink()
    empty = {"PATH": "/nowhere"}
    assert epy("call", "./plugin.so", "answer", env=empty).stdout == "1\n"


def test_a_real_package() -> None:
    host = package.header("fuse3/fuse_log.h", pkg="fuse3")
    assert host.FUSE_LOG_ERR == 3


@pytest.mark.parametrize(
    ("name", "environment", "message"),
    [
        (
            "nothing",
            {},
            r"plugin.py:3: pkg='nothing': pkg-config does not know it \(.*nothing.*\): ",
        ),
        ("-x", {}, r"pkg='-x': pkg-config does not know it"),
        ("x", {"PATH": "/nowhere"}, r"pkg='x': there is no pkg-config: install pkgconf, or"),
        ("x", {"PKG_CONFIG": "/no thing"}, r"there is no /no thing: install|there is no '?/no"),
        ("x", {"PKG_CONFIG": "/"}, r"pkg='x': / does not serve \(.*Permission denied"),
        ("x", {"PKG_CONFIG": "a 'b"}, r"pkg='x': PKG_CONFIG is no command line \(No closing"),
        ("x", {"PKG_CONFIG": "printf %b '-DA=\\042' #"}, r"does not serve \(No closing quotation"),
    ],
)
def test_a_package_that_is_not_found(mistake, monkeypatch, tmp_path, name, environment, message):
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    (tmp_path / "plugin.py").write_text(SCRIPT.format(more=f', pkg="{name}"'))
    assert re.search(message, mistake("build", "plugin.py"))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("-include=no.h", "<options>:1: header '=no.h' not found in `#include"),
        ("-D1=2", "<options>:1: does not preprocess (macro name must be an identifier) in"),
        ("-D", "argument -D: expected one argument"),
    ],
)
def test_a_bad_option_is_one_line(mistake, folder, tmp_path, option, message) -> None:
    (tmp_path / "plugin.py").write_text(SCRIPT.format(more=""))
    assert message in mistake("build", "plugin.py", "-I", folder, option)


def test_inspect_takes_the_same_options(epy, folder, tmp_path) -> None:
    place = str(folder).replace(" ", "\\ ")
    env = package_of(tmp_path, "host-1.0", f"-I{place}")
    for options in (["--pkg", "host-1.0"], [f"-isystem{folder}"]):
        arguments = ("--header", "host.h", "--all", *options, "-DANSWER=12")
        shown = epy("inspect", *arguments, env=env).stdout
        assert "ANSWER = 12" in shown
        assert "int answer(void)" in shown


# What a plugin was made of


@pytest.fixture
def rule(epy: Any, run: Any, tmp_path: Path) -> Callable[..., list[str]]:
    """`rule(*options)`: what make takes the plugin to depend on, by the file that epy wrote."""

    def rule(*options: str | Path) -> list[str]:
        epy("build", *options, "--depfile", "plugin.d")
        text = "plugin.so:\n\t@printf '%s\\n' '$^' $(foreach it,$^,\"$(it)\")\ninclude plugin.d\n"
        (tmp_path / "Makefile").write_text(text)
        return list(run("make", "-B", "-s", "plugin.so").stdout.splitlines())

    return rule


def test_a_depfile_names_all_that_was_read(rule, folder, tmp_path) -> None:
    (folder / "host.h").write_text('#include "inner.h"\n' + HEADER)
    (folder / "inner.h").write_text("typedef int inner;\n")
    (tmp_path / "helper.py").write_text("")
    (tmp_path / "plugin.py").write_text("import helper\n" + SCRIPT.format(more=""))
    os.rename(folder, tmp_path / "include")
    _, *found = rule("plugin.py", "-I", "include")
    read = ["plugin.py", "helper.py", "include/host.h", "include/inner.h"]
    assert found == [str(tmp_path / it) for it in read]


def test_a_depfile_of_a_package(rule, tmp_path) -> None:
    folder = tmp_path / "plugin"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").write_text("import epy\n@epy.export('int f(void)')\ndef f(): ...\n")
    (folder / "data" / "table.csv").write_text("1\n")
    _, *found = rule("plugin", "--editable")
    assert sorted(found) == [str(folder / it) for it in ("__init__.py", "data/table.csv")]


def test_a_depfile_escapes_what_make_would_take_apart(epy, run, tmp_path) -> None:
    folder = tmp_path / "a $(b) #c:d"
    folder.mkdir()
    (folder / "plugin.py").write_text("import epy\n@epy.export('int f(void)')\ndef f(): ...\n")
    epy("build", folder / "plugin.py", "-o", "plugin.so", "--depfile", "plugin.d")
    (tmp_path / "Makefile").write_text("plugin.so:\n\t@echo made\ninclude plugin.d\n")
    assert run("make", "plugin.so").stdout == "make: 'plugin.so' is up to date.\n"
    os.utime(folder / "plugin.py", (2**32, 2**32))
    assert "made" in run("make", "plugin.so").stdout


def test_bad_depfiles_are_one_line(mistake, tmp_path) -> None:
    (tmp_path / "plugin.py").write_text("import epy\n@epy.export('int f(void)')\ndef f(): ...\n")
    told = mistake("build", "plugin.py", "--depfile", "plugin.so")
    assert "the plugin would replace its --depfile" in told
    assert "no/plugin.d: No such file" in mistake("build", "plugin.py", "--depfile", "no/plugin.d")
    two_lines = mistake("build", "plugin.py", "-o", "two\nlines.so", "--depfile", "plugin.d")
    assert "make has no rule for a name with a line break: rename it" in two_lines
    percent = mistake("build", "plugin.py", "-o", "50%.so", "--depfile", "plugin.d")
    assert percent.startswith("50%.so: make and ninja differ about %")
    for name in ("plugin.d", "plugin.so", "50%.so"):
        assert not (tmp_path / name).exists()
