"""The prototypes of a script are read in one look, and each as if it were alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from ctypes import Structure, c_int
from typing import Any

import pytest

import epy
from epy._c import ahead, process, prototype

READ = "found = {}\nfor text in TEXTS:\n    found[text] = read(text)\n"


class node(Structure):
    _fields_ = [("value", c_int)]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What is asked of Clang, of which nothing is known before."""
    requests = []

    def ask(request: dict[str, Any], keep: bool) -> dict[str, Any]:
        requests.append(request)
        return process_ask(request, keep)

    process_ask = process.ask
    monkeypatch.setattr(process, "ask", ask)
    monkeypatch.setattr(ahead, "_answers", {})
    yield requests
    process.close()


def read(text: str) -> Any:
    try:
        return prototype.parse(text, {"node": node})
    except epy.SignatureError as error:
        return str(error)


def in_a_script(texts: list[str]) -> dict[str, Any]:
    """What each text gives when a module that has all of them reads it."""
    namespace: dict[str, Any] = {"read": read}
    exec(compile(f"TEXTS = {texts!r}\n{READ}", "script.py", "exec"), namespace)
    found: dict[str, Any] = namespace["found"]
    return found


def test_a_thousand_prototypes_are_asked_for_once(asked: list[dict[str, Any]]) -> None:
    texts = [f"int32_t f{i}(const char *a, size_t n, node *x{i})" for i in range(1000)]
    found = in_a_script(texts)
    assert found[texts[999]] == ("f999", "CFUNCTYPE(c_int, c_char_p, c_ulong, POINTER(node))")
    assert len(asked) == 1


def test_data_beside_them_costs_nothing(asked: list[dict[str, Any]]) -> None:
    began = time.process_time()
    assert in_a_script(["int f(int)", "rows (1) " * 20_000 + "-"])["int f(int)"][0] == "f"
    assert time.process_time() - began < 5


def test_each_is_as_if_it_were_alone(asked: list[dict[str, Any]]) -> None:
    texts = [
        *("int f(int)", "int f(double)", "int g()", "int g(int)", "int (float)", "int (*)(void *)"),
        *("int h(int (*)[])", "int h(int (*)[4])", "node *k(struct node *)", "void m(va_list)"),
        *("int n(int off_t)", "off_t o(off_t)", "int off_t(int)", "struct other *p(void)"),
        *("int q(struct other *)", "int r, s(int)", "int t(int), u(int)", "unknown v(int)"),
        *(
            "int w(unknown *)",
            "print(x)",
            "hello (world)",
            "static inline int y(int)",
            "int (x)(int)",
        ),
        *("double complex z(float complex)", "typedef int type(int)", "int a(type *)", "int b(int"),
        *("int (*c)(int)", "int (*(*d)(int))(char)", "extern int e(int (*)(int), ...)", "f(x)"),
        *("void (*signal(int n, void (*h)(int)))(int)", "int va_list(int)", "int main(float)"),
        *("int i(void, int)", "int j(int, void)", "int l[3](int)", "int *aa(char a[], int b[][4])"),
    ]
    together = in_a_script(texts)
    assert len(asked) < len(texts)
    ahead._answers.clear()
    assert together == {text: read(text) for text in texts}


def test_a_type_that_a_script_defines_later_is_known_then(asked: list[dict[str, Any]]) -> None:
    texts = [f"int f{i}(later *)" for i in range(20)]
    types: dict[str, Any] = {}
    namespace = {"read": lambda text: prototype.parse(text, types), "types": types, "node": node}
    source = f"TEXTS = {texts!r}\nread('int first(int)')\ntypes['later'] = node\n{READ}"
    exec(compile(source, "script.py", "exec"), namespace)
    found: Any = namespace["found"]
    assert found[texts[19]] == ("f19", "CFUNCTYPE(c_int, POINTER(later))")
    assert [it["kind"] for it in asked] == ["prototypes", "prototypes"]
