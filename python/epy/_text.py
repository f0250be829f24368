"""A str where C takes a `char *`: no copy is made."""

from __future__ import annotations

from ctypes import c_char_p

from ._core import utf8_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class c_text(c_char_p):
    """`char *` in the prototype of a header's function: bytes in Python, but a str goes out too.

    The host may look at the text as long as the script keeps the str: a literal, until unload.
    """

    _epy_code_ = "z"

    @classmethod
    def from_param(cls, value: Any) -> Any:
        return text_argument(value)


def text_argument(value: Any) -> Any:
    """For a `char *` parameter: a str as its own UTF-8, which lives as long as the str."""
    if not isinstance(value, str):
        return c_char_p.from_param(value)
    if "\0" in value:
        raise nul_in(value)
    return c_char_p(utf8_address(value))


def nul_in(value: str) -> ValueError:
    return ValueError(f"{value!r} has a NUL, where a C string ends")
