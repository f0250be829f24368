"""Generators and coroutines as callbacks: what would not run when C calls it."""

from __future__ import annotations

import asyncio
import functools
import types
from ctypes import (
    CFUNCTYPE,
    c_int,
)
from typing import Any

import pytest

import epy

INT_FUNCTION = CFUNCTYPE(c_int, c_int)


def generator(a: c_int) -> c_int:
    yield a


async def coroutine(a: c_int) -> c_int:
    return a


async def asynchronous_generator(a: c_int) -> c_int:
    yield a


class Deferring:
    async def __call__(self, a: c_int) -> c_int:
        return a

    def method(self, a: c_int) -> c_int:
        yield a


@pytest.mark.parametrize(
    "function",
    [
        generator,
        coroutine,
        asynchronous_generator,
        functools.partial(functools.partial(generator)),
        types.coroutine(lambda a: (yield a)),
        Deferring(),
        Deferring().method,
        lambda a: (yield a),
    ],
)
def test_what_would_not_run_when_called_is_refused(function: Any) -> None:
    with pytest.raises(epy.SignatureError, match=r"async def|is a generator"):
        epy.callback(INT_FUNCTION, function)
    with pytest.raises(epy.SignatureError, match=r"async def|is a generator"):
        epy.export(INT_FUNCTION, name="f")(function)
    struct = epy.header("struct with_callback { void (*run)(int); };").struct.with_callback
    with pytest.raises(epy.FieldError, match=r"async def|is a generator"):
        struct(run=function)


def test_a_decorator_may_run_a_coroutine() -> None:
    @epy.callback(INT_FUNCTION)
    @functools.wraps(coroutine)
    def run(a):
        return asyncio.run(coroutine(a))

    assert INT_FUNCTION(run.address)(3) == 3


@pytest.mark.parametrize("deferred", [generator, coroutine, asynchronous_generator])
def test_a_void_function_that_returns_what_has_not_run_is_an_error(
    deferred: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports: list[epy.Report] = []
    monkeypatch.setattr(epy, "error_hook", reports.append)
    made = []

    def call(a):
        made.append(deferred(a))
        return made[-1]

    kept = epy.callback(CFUNCTYPE(None, c_int), call)
    CFUNCTYPE(None, c_int)(kept.address)(1)
    assert "runs only if something runs it" in str(reports[0].exception)
    if deferred is coroutine:
        made[0].close()
