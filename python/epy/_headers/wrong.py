"""Which argument of `epy.header` is none: looked for when reading them has failed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from .. import _errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PATH = (str, os.PathLike)


def wrong_argument(include: Any, pkg: Any, define: Any, types: Any, errors: Any) -> TypeError:
    if not _is_path_or_several(include):
        return _wrong("include", include, "a folder, or several")
    if not _is_path_or_several(pkg):
        return _wrong("pkg", pkg, "the name of a package of pkg-config's, or several")
    if not _is_mapping(define):
        return _wrong("define", define, 'a dict of macros, {"NAME": value}')
    if not _is_mapping(types):
        return _wrong("types", types, 'a dict of typedefs, {"T": cls}')
    return _wrong("errors", errors, 'a dict of error values by result type, {"T": value}')


def _is_path_or_several(given: Any) -> bool:
    if isinstance(given, Iterable) and not isinstance(given, _PATH):
        return all(isinstance(one, (*_PATH, bytes)) for one in given)
    return isinstance(given, _PATH)


def _is_mapping(given: Any) -> bool:
    return not given or isinstance(given, Mapping)


def _wrong(argument: str, value: Any, fits: str) -> TypeError:
    return _errors.wrong_argument("header", argument, value, fits)
