"""C types that ctypes lacks: UTF-8 strings and complex numbers."""

from __future__ import annotations

from _ctypes import Structure
from ctypes import c_char_p, c_double, c_float

from .._core import text_argument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, SupportsComplex


_bytes_of: Any = vars(c_char_p.__base__)["value"]


class c_str(c_char_p):
    """`char *` as str: UTF-8, strict, NULL as None. For parameters, results and struct fields.

    A parameter arrives as str or None; a result is a str, which stays valid until the same export's
    next return on that thread. Text that is no UTF-8, or a str with a NUL or a lone surrogate, is a
    UnicodeError or ValueError, for which the host gets the error value. In a struct, as for every
    subclass of a ctypes type, the field is a c_str: `info.name = epy.c_str("Häßlich")`,
    `info.name.value`. The struct keeps the text alive. For any other encoding use c_char_p.
    """

    _epy_code_ = "s"

    def __init__(self, value: str | None = None) -> None:
        super().__init__(_encode(value))

    def __repr__(self) -> str:
        return f"c_str({self.value!r})"

    @property  # type: ignore[override]
    def value(self) -> str | None:
        """The text; decoded at each use."""
        text = _bytes_of.__get__(self)
        return None if text is None else text.decode()

    @value.setter
    def value(self, value: str | None) -> None:
        _bytes_of.__set__(self, _encode(value))

    @classmethod
    def from_param(cls, value: Any) -> Any:
        return text_argument(value)

    @staticmethod
    def _check_retval_(result: c_str) -> str | None:
        return result.value


def _encode(value: str | None) -> bytes | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"expected a str or None, got {value!r} (bytes are c_char_p)")
    text = value.encode()
    if b"\0" in text:
        raise ValueError(f"{value!r} has a NUL, where a C string ends")
    return text


class _Complex(Structure):
    real: float
    imag: float

    def __init__(self, real: Any = 0.0, imag: float = 0.0) -> None:
        value = complex(real, imag) if imag else complex(real)
        super().__init__(value.real, value.imag)

    def __complex__(self) -> complex:
        return complex(self.real, self.imag)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({complex(self)!r})"

    @property
    def value(self) -> complex:
        return complex(self)

    @value.setter
    def value(self, value: SupportsComplex) -> None:
        self.real, self.imag = complex(value).real, complex(value).imag

    @classmethod
    def from_param(cls, value: Any) -> Any:
        return value if isinstance(value, cls) else cls(value)

    @staticmethod
    def _check_retval_(result: _Complex) -> complex:
        return complex(result)


class c_float_complex(_Complex):
    """C99's `float _Complex`. A parameter or result is a Python complex.

    In a struct the field is a c_float_complex, with `.value`, `.real` and `.imag`.
    """

    _epy_code_ = "F"
    _fields_ = [("real", c_float), ("imag", c_float)]


class c_double_complex(_Complex):
    """C99's `double _Complex`; see c_float_complex."""

    _epy_code_ = "D"
    _fields_ = [("real", c_double), ("imag", c_double)]
