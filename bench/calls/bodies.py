"""The Python functions that the contenders let C call: the same objects for all.

They do little, so that the call is what is measured.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


def f() -> None:
    pass


def add(a: int, b: int) -> int:
    return a + b


def f3(a: float, b: float, c: float) -> float:
    return a * b + c


def text_len(text: bytes) -> int:
    return len(text)


def process(handle: object, mode: int, samples: object, count: int) -> int:
    return mode + count


def mixed(a: int, b: float, c: int, d: float, e: int, f: float, g: int, h: float) -> float:
    return b + h


def process_view(handle: object, mode: int, samples: Sequence[float], count: int) -> int:
    return mode + (samples[count - 1] > samples[0])


def greet(text: str) -> str:
    return text


class Voice:
    """What a host holds by a pointer."""

    def __init__(self) -> None:
        self.gain = 0.5

    def step(self, by: float) -> float:
        return self.gain * by


def event(one):  # type: ignore[no-untyped-def] # what stands for a struct is each contender's own
    return one.kind + one.value


def driver(host: Any) -> Callable[[int], int]:
    """What calls a function of the host's, which each contender gives in its way."""

    def drive(number: int) -> int:
        return host.host_twice(number) + 1  # type: ignore[no-any-return]

    return drive
