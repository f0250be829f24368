"""Functions of the host, as a header declares them."""

import ctypes
from posix import fspath

from . import _core, _errors
from ._types import native_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._header import Header


class HostFunction:
    """A function of the host: looked up in the process, or in `library=`, at its first use."""

    def __init__(self, header: "Header", name: str, kind: "Any") -> None:
        self.__name__ = name
        self._header = header
        self._kind = kind
        self._native: Any = None

    def __call__(self, *arguments: "Any", **named: "Any") -> "Any":
        return self.native(*arguments, **named)

    @property
    def native(self) -> "Any":
        """The ctypes function. SymbolNotFoundError if there is none."""
        if self._native is None:
            ctype = self._header._function_class(self.__name__, self._kind)
            address = find_address(self._header, self.__name__)
            if isinstance(self._header._library, ctypes.PyDLL):
                ctype = _core.keep_gil(ctype)
            self._native = ctype(address)
            self._native.__name__ = self.__name__
            self._header.__dict__[self.__name__] = self._native
        return self._native

    @property
    def address(self) -> int:
        """What C calls."""
        return native_address(self.native)

    def __repr__(self) -> str:
        return f"<function {self.__name__} of {self._header._name}>"


def find_address(header: "Header", name: str) -> int:
    """Where a function or a variable of the host is: in the header's library, or the process."""
    library = header._library
    if not isinstance(library, ctypes.CDLL):
        try:
            library = ctypes.CDLL(None if library is None else fspath(library))
        except (OSError, TypeError, ValueError) as error:
            raise _errors.SymbolNotFoundError(
                f"{header._name}: library={library!r} cannot be loaded ({error}): give its path, a "
                "name that the dynamic loader finds, or a ctypes.CDLL"
            ) from None
        header._library = library
    symbol = header._symbol(name)
    found: Any = getattr(library, symbol, None)
    if found is None:
        where = f"{library._name}" if library._name else "the process"
        raise _errors.SymbolNotFoundError(
            f"no symbol '{symbol}' in {where}: load its library before, or name it by library="
        )
    return native_address(found)
