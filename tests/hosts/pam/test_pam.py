"""PAM loads a module for each conversation, and closes it at its end."""

from pathlib import Path

import pytest


@pytest.fixture
def login(run, run_host, tmp_path):
    """`login("user", "password")`: what a program prints that asks PAM, and the whole result."""
    source = Path(__file__).with_name("login.c")
    run("cc", "-Wall", source, "-o", tmp_path / "login", "-lpam")

    def login(user, password, *, count=1, argument=""):
        lines = (
            f"{kind} required {tmp_path}/check.so {argument}\n" for kind in ("auth", "account")
        )
        (tmp_path / "check").write_text("".join(lines), encoding="utf-8")
        result = run_host(str(tmp_path / "login"), user, password, str(count))
        return result.stdout.splitlines(), result

    return login


def test_a_password_that_is_right(login):
    assert login("root", "sesame")[0] == ["Success"]


def test_a_password_that_is_wrong(login):
    assert login("root", "parsley")[0] == ["Authentication failure"]


def test_an_account_with_arguments_of_the_module(login):
    assert login("root", "sesame", argument="closed")[0] == ["User account has expired"]
    assert login("root", "sesame", argument="open")[0] == ["Success"]


def test_an_exception_lets_nobody_in(login):
    words, result = login("broken", "sesame")
    assert words == ["System error"]
    assert "RuntimeError: no users today" in result.stderr


def test_the_module_is_loaded_and_closed_many_times_in_a_process(login):
    words, result = login("root", "sesame", count=20)
    assert words == ["Success"] * 20
    assert result.stderr == ""
