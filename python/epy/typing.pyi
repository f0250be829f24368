"""Types for type checkers alone: what C's types are in Python, and those of headers' stubs.

No program imports it: `from epy import c_int` is ctypes' class then.
"""

from _ctypes import _CArgObject, _CData, _Pointer
from collections.abc import Callable
from typing import Any, Generic, Self, TypeAlias, TypeVar

from typing_extensions import Buffer

from ._headers.out import Out as Out
from ._host.objects import Object

c_bool: TypeAlias = bool
c_char: TypeAlias = bytes
c_wchar: TypeAlias = str
c_byte: TypeAlias = int
c_ubyte: TypeAlias = int
c_short: TypeAlias = int
c_ushort: TypeAlias = int
c_int: TypeAlias = int
c_uint: TypeAlias = int
c_long: TypeAlias = int
c_ulong: TypeAlias = int
c_longlong: TypeAlias = int
c_ulonglong: TypeAlias = int
c_int8: TypeAlias = int
c_int16: TypeAlias = int
c_int32: TypeAlias = int
c_int64: TypeAlias = int
c_uint8: TypeAlias = int
c_uint16: TypeAlias = int
c_uint32: TypeAlias = int
c_uint64: TypeAlias = int
c_size_t: TypeAlias = int
c_ssize_t: TypeAlias = int
c_float: TypeAlias = float
c_double: TypeAlias = float
c_longdouble: TypeAlias = float
c_float_complex: TypeAlias = complex
c_double_complex: TypeAlias = complex
c_char_p: TypeAlias = bytes | None
c_wchar_p: TypeAlias = str | None
c_str: TypeAlias = str | None
c_void_p: TypeAlias = int | None
py_object: TypeAlias = Any

_T = TypeVar("_T")

class Declarations:
    """What `epy.header` gives, of which a stub has the names: see `epy.Header`."""

    struct: Any
    enum: Any
    def export(self, what: Any = None, /, **options: Any) -> Any: ...
    def export_all(self, **functions: Any) -> dict[str, Any]: ...
    def export_missing(self, *patterns: str, error: Any) -> dict[str, Any]: ...
    def export_data(self, name: str, value: Any) -> Any: ...
    def callback(self, prototype: Any, function: Any = None, /, *, error: Any = None) -> Any: ...
    def function(self, prototype: str) -> Any: ...

class Pointer(Generic[_T]):
    """A pointer to C's `T`, of which Python gets a `T`."""

    contents: Any
    def __getitem__(self, index: int, /) -> _T: ...
    def __setitem__(self, index: int, value: Any, /) -> None: ...
    def __bool__(self) -> bool: ...

class Record:
    """A struct or union of a header, or a pointer to one: that forwards the fields."""

    @property
    def contents(self) -> Self: ...
    def __getitem__(self, index: int, /) -> Self: ...
    def __setitem__(self, index: int, value: Any, /) -> None: ...

Address: TypeAlias = (
    Record
    | Pointer[Any]
    | _Pointer[Any]
    | _CData
    | _CArgObject
    | Object
    | Buffer
    | list[Any]
    | tuple[Any, ...]
    | dict[str, Any]
    | Callable[..., Any]
    | int
    | str
    | None
)
"""What fits a pointer; `epy.out` is apart."""
Text: TypeAlias = str | bytes | _Pointer[Any] | _CData | Buffer | int | None
WideText: TypeAlias = str | _Pointer[Any] | _CData | Buffer | int | None
