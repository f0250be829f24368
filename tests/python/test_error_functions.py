"""error= as a function of the exception: what it says is what the host receives."""

from __future__ import annotations

import ctypes
import gc
import re
import weakref
from ctypes import CFUNCTYPE, Structure, c_char_p, c_double, c_int, c_long, c_void_p
from typing import Any

import pytest

import epy


class Small(Structure):
    _fields_ = [("code", c_int), ("value", c_double)]


class Large(Structure):
    _fields_ = [("numbers", c_long * 5), ("text", c_char_p)]


def through_c(prototype: Any, function: Any, error: Any) -> Any:
    """What C gets by a call, as a ctypes function; its callback lives as long."""
    made = epy.callback(prototype, function, error=error)
    native = prototype(made.address)
    native.made = made
    return native


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(
        epy, "error_hook", lambda report: found.append(type(report.exception).__name__)
    )
    return found


def fail(kind):
    raise (FileNotFoundError(2, "gone"), PermissionError(13, "no"), ValueError("broken"))[kind]


def errno_of(error: BaseException) -> int:
    return -(error.errno or 5) if isinstance(error, OSError) else -5


def test_each_exception_has_its_own_value(reports: list[str]) -> None:
    function = through_c(CFUNCTYPE(c_int, c_int), fail, errno_of)
    assert [function(kind) for kind in range(3)] == [-2, -13, -5]
    assert reports == ["FileNotFoundError", "PermissionError", "ValueError"]


def test_it_gets_the_very_exception_with_its_traceback(reports: list[str]) -> None:
    given: list[BaseException] = []

    def error(exception: BaseException) -> int:
        given.append(exception)
        assert exception.__traceback__ is not None
        return 1

    raised = KeyError("one")

    def function(_: int) -> int:
        raise raised

    assert through_c(CFUNCTYPE(c_int, c_int), function, error)(0) == 1
    assert given == [raised]
    assert given[0] is raised
    assert reports == ["KeyError"]


@pytest.mark.parametrize(
    ("ctype", "value", "read"),
    [
        (c_double, 2.5, lambda it: it == 2.5),
        (ctypes.c_longdouble, 2.5, lambda it: it == 2.5),
        (c_char_p, b"text", lambda it: it == b"text"),
        (Small, Small(3, 4.5), lambda it: (it.code, it.value) == (3, 4.5)),
        (
            Large,
            Large((1, 2, 3, 4, 5), b"text"),
            lambda it: (list(it.numbers), it.text) == ([1, 2, 3, 4, 5], b"text"),
        ),
    ],
)
def test_of_every_type(ctype: Any, value: Any, read: Any, reports: list[str]) -> None:
    function = through_c(CFUNCTYPE(ctype, c_int), fail, lambda _: value)
    assert read(function(0))
    assert reports == ["FileNotFoundError"]


def test_what_does_not_fit_is_reported_and_zero(reports: list[str]) -> None:
    number = through_c(CFUNCTYPE(c_int, c_int), fail, lambda _: "text")
    assert number(0) == 0
    assert reports == ["FileNotFoundError", "MisfitError"]
    large = through_c(CFUNCTYPE(Large, c_int), fail, lambda _: 3)
    assert bytes(large(0)) == bytes(ctypes.sizeof(Large))


def test_what_raises_is_reported_and_zero(reports: list[str]) -> None:
    def error(exception: BaseException) -> int:
        raise LookupError from exception

    assert through_c(CFUNCTYPE(c_int, c_int), fail, error)(0) == 0
    assert reports == ["FileNotFoundError", "LookupError"]


def test_a_result_that_does_not_fit_is_an_exception_like_any_other(reports: list[str]) -> None:
    function = through_c(
        CFUNCTYPE(c_int, c_int), lambda _: "text", lambda e: -len(type(e).__name__)
    )
    assert function(0) == -len("MisfitError")
    assert reports == ["MisfitError"]


def test_under_epy_call_the_exception_is_raised_and_the_value_is_its_result() -> None:
    function = through_c(CFUNCTYPE(c_int, c_int), fail, errno_of)
    with pytest.raises(FileNotFoundError) as caught:
        epy.call(function, 0)
    assert caught.value.epy_result == -2  # type: ignore[attr-defined]


def test_a_header_names_one_by_type(reports: list[str]) -> None:
    host = epy.header(
        "typedef int status; struct operations { status (*open)(int); };",
        errors={"status": errno_of},
    )
    table = host.operations(open=fail)
    plain = CFUNCTYPE(c_int, c_int)(ctypes.cast(table.open, c_void_p).value or 0)
    assert [plain(kind) for kind in range(3)] == [-2, -13, -5]


def test_a_function_pointer_of_ctypes_is_a_value(reports: list[str]) -> None:
    inner = CFUNCTYPE(c_int)
    value = epy.callback(inner, lambda: 42)
    assert through_c(CFUNCTYPE(inner, c_int), fail, value)(0)() == 42


def test_it_goes_with_its_callback() -> None:
    class Error:
        def __init__(self) -> None:
            self.mine = epy.callback(CFUNCTYPE(c_int, c_int), fail, error=self)

        def __call__(self, exception: BaseException) -> int:
            return 1

    gone = weakref.ref(Error())
    gc.collect()
    assert gone() is None


def test_after_its_end_the_host_gets_what_it_says_without_an_exception() -> None:
    def error(exception: BaseException | None = None) -> int:
        return -5 if exception is None else -1

    made = epy.callback(CFUNCTYPE(c_int, c_int), fail, error=error)
    plain = CFUNCTYPE(c_int, c_int)(made.address)
    del made
    gc.collect()
    assert plain(0) == -5


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("lambda: 1", r"error=<lambda>\(exception\) is called with the exception: let it take one"),
        ("lambda e=None: 1 // 0", "fails without an exception, for what the host gets"),
        ("lambda e=None: 'text'", "error='text' does not fit the result type"),
    ],
)
def test_a_wrong_one_is_refused_at_build(
    error: str, message: str, tmp_path: Any, mistake: Any
) -> None:
    (tmp_path / "script.py").write_text(
        "import epy\nfrom ctypes import c_int\n"
        f"@epy.export(error={error})\ndef f(a: c_int) -> c_int: return 1\n"
    )
    assert re.search(message, mistake("build", tmp_path / "script.py"))


FAILING = """
import epy
from ctypes import c_int

def plain(exception):
    return -1

def ready(exception=None):
    return -5 if exception is None else -1

@epy.export(error=plain)
def zero(n: c_int) -> c_int: ...

@epy.export(error=ready)
def five(n: c_int) -> c_int: ...

@epy.on_load
def bad():
    raise RuntimeError("no start")
"""


def test_before_the_start_it_is_zero_or_what_it_says_without_an_exception(
    build_plugin: Any, compile_c: Any, run: Any, epy: Any
) -> None:
    plugin = build_plugin(FAILING)
    host = compile_c(
        "#include <dlfcn.h>\n#include <stdio.h>\nint main(void) {\n"
        'void *p = dlopen("./plugin.so", RTLD_NOW);\n'
        'printf("%d ", ((int (*)(int))dlsym(p, "zero"))(1));\n'
        'printf("%d", ((int (*)(int))dlsym(p, "five"))(1)); }\n'
    )
    assert run(host).stdout == "0 -5"
    shown = epy("inspect", plugin).stdout
    assert "error plain(exception)" in shown
    assert "error ready(exception)" in shown
