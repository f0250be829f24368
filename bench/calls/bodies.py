"""The Python functions that the contenders let C call: the same objects for all.

They do little, so that the call is what is measured.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


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
