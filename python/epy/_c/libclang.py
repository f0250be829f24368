"""The few functions of libclang that read a header (clang-c/Index.h)."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from ctypes import POINTER, c_char_p, c_double, c_int, c_longlong, c_uint, c_ulonglong, c_void_p
from typing import Any

ERROR, FATAL = 3, 4  # clang-c/Index.h, CXDiagnosticSeverity
_LONG = 8  # bytes of the longest integer that libclang gives
_WITH_NAMES, _ENUMERATOR = (2, 3, 5), 7  # CXCursorKind: struct, union, enum


class ReadError(Exception):
    """Nothing of a header can be read. The text is one line that says why, and what to do."""


class Cursor(ctypes.Structure):
    """A node of a syntax tree; `node` is the same for the same declaration."""

    _fields_ = [
        ("kind", c_int),
        ("_extra", c_int),
        ("node", c_void_p),
        ("_data", c_void_p * 2),
    ]


class Type(ctypes.Structure):
    """A type; `address` is the same for the same type with the same qualifiers."""

    _fields_ = [("kind", c_int), ("address", c_void_p), ("_unit", c_void_p)]


class _String(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("flags", c_uint)]


class _Location(ctypes.Structure):
    _fields_ = [("_data", c_void_p * 2), ("_offset", c_uint)]


class _Range(ctypes.Structure):
    _fields_ = [("_data", c_void_p * 2), ("_begin", c_uint), ("_end", c_uint)]


class _UnsavedFile(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("contents", c_char_p), ("length", ctypes.c_ulong)]


_VISITOR = ctypes.CFUNCTYPE(c_int, Cursor, Cursor, c_void_p)
_FIELD_VISITOR = ctypes.CFUNCTYPE(c_int, Cursor, c_void_p)
_INCLUSION_VISITOR = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_uint, c_void_p)

# Result and parameters, by the name without clang_.
_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "getClangVersion": (_String,),
    "getCString": (c_char_p, _String),
    "createIndex": (c_void_p, c_int, c_int),
    "parseTranslationUnit2": (
        *(c_int, c_void_p, c_char_p, POINTER(c_char_p), c_int),
        *(POINTER(_UnsavedFile), c_uint, c_uint, POINTER(c_void_p)),
    ),
    "disposeTranslationUnit": (None, c_void_p),
    "getTranslationUnitCursor": (Cursor, c_void_p),
    "getInclusions": (None, c_void_p, _INCLUSION_VISITOR, c_void_p),
    "getFileName": (_String, c_void_p),
    "getNumDiagnostics": (c_uint, c_void_p),
    "getDiagnostic": (c_void_p, c_void_p, c_uint),
    "getDiagnosticSeverity": (c_int, c_void_p),
    "getDiagnosticSpelling": (_String, c_void_p),
    "getDiagnosticCategoryText": (_String, c_void_p),
    "getDiagnosticLocation": (_Location, c_void_p),
    "getExpansionLocation": (
        *(None, _Location, POINTER(c_void_p)),
        *(POINTER(c_uint), POINTER(c_uint), POINTER(c_uint)),
    ),
    "visitChildren": (c_uint, Cursor, _VISITOR, c_void_p),
    "Type_visitFields": (c_uint, Type, _FIELD_VISITOR, c_void_p),
    "getCursorSpelling": (_String, Cursor),
    "getCursorUSR": (_String, Cursor),
    "getCursorSemanticParent": (Cursor, Cursor),
    "getCursorPrintingPolicy": (c_void_p, Cursor),
    "PrintingPolicy_setProperty": (None, c_void_p, c_int, c_uint),
    "PrintingPolicy_dispose": (None, c_void_p),
    "getCursorPrettyPrinted": (_String, Cursor, c_void_p),
    "Cursor_getMangling": (_String, Cursor),
    "Cursor_hasAttrs": (c_uint, Cursor),
    "getCursorLocation": (_Location, Cursor),
    "getCursorExtent": (_Range, Cursor),
    "getRangeStart": (_Location, _Range),
    "getRangeEnd": (_Location, _Range),
    "getCursorType": (Type, Cursor),
    "getCursorDefinition": (Cursor, Cursor),
    "getTypedefDeclUnderlyingType": (Type, Cursor),
    "getEnumDeclIntegerType": (Type, Cursor),
    "EnumDecl_isScoped": (c_uint, Cursor),
    "getEnumConstantDeclValue": (c_longlong, Cursor),
    "getEnumConstantDeclUnsignedValue": (c_ulonglong, Cursor),
    "getFieldDeclBitWidth": (c_int, Cursor),
    "Cursor_getOffsetOfField": (c_longlong, Cursor),
    "Cursor_isFunctionInlined": (c_uint, Cursor),
    "Cursor_getStorageClass": (c_int, Cursor),
    "Cursor_Evaluate": (c_void_p, Cursor),
    "EvalResult_getKind": (c_int, c_void_p),
    "EvalResult_getAsLongLong": (c_longlong, c_void_p),
    "EvalResult_isUnsignedInt": (c_uint, c_void_p),
    "EvalResult_getAsUnsigned": (c_ulonglong, c_void_p),
    "EvalResult_getAsDouble": (c_double, c_void_p),
    "EvalResult_getAsStr": (c_char_p, c_void_p),
    "isInvalidDeclaration": (c_uint, Cursor),
    "isConstQualifiedType": (c_uint, Type),
    "getTypeDeclaration": (Cursor, Type),
    "getTypeSpelling": (_String, Type),
    "isPODType": (c_uint, Type),
    "getCanonicalType": (Type, Type),
    "getPointeeType": (Type, Type),
    "getElementType": (Type, Type),
    "getArraySize": (c_longlong, Type),
    "getResultType": (Type, Type),
    "getNumArgTypes": (c_int, Type),
    "getArgType": (Type, Type, c_uint),
    "isFunctionTypeVariadic": (c_uint, Type),
    "Type_getNamedType": (Type, Type),
    "Type_getModifiedType": (Type, Type),
    "Type_getValueType": (Type, Type),
    "Type_getSizeOf": (c_longlong, Type),
    "Type_getAlignOf": (c_longlong, Type),
}


class Library:
    """libclang's functions, as attributes without their prefix; strings are str."""

    def __init__(self, path: str) -> None:
        try:
            library = ctypes.CDLL(path)
            for name, (result, *parameters) in _FUNCTIONS.items():
                function = library[f"clang_{name}"]
                function.restype, function.argtypes = result, parameters
                setattr(self, name, function)
        except (OSError, AttributeError) as error:
            raise ReadError(f"{path} does not serve ({error}): `pip install libclang-ng`") from None
        self.index = self.createIndex(0, 0)
        self.main = ""  # the file that is being read
        self._files = {0: ""}  # names, by what Clang has of them
        self._place = c_void_p(), c_uint(), c_uint(), c_uint()
        self._to_place = [*map(ctypes.byref, self._place)]

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)  # for mypy: functions are set one by one

    def text(self, string: Any) -> str:
        found: bytes | None = self.getCString(string)
        return (found or b"").decode("utf-8", "surrogateescape")

    def names(self, cursors: list[Cursor]) -> list[str]:
        """Of many at once."""
        if not cursors:
            return []
        found = map(self.getCString, map(self.getCursorSpelling, cursors))
        return (
            b"\0".join([it or b"" for it in found]).decode("utf-8", "surrogateescape").split("\0")
        )

    def parse(self, name: str, text: bytes, arguments: list[str], options: int) -> Any:
        """A translation unit of a text that has the name of a file; None if Clang gave up."""
        given = [argument.encode("utf-8", "surrogateescape") for argument in arguments]
        encoded = name.encode("utf-8", "surrogateescape")
        unsaved = (_UnsavedFile * 1)(_UnsavedFile(encoded, text, len(text)))
        unit = c_void_p()
        self._files = {0: ""}
        failed = self.parseTranslationUnit2(
            self.index,
            encoded,
            (c_char_p * len(given))(*given),
            *(len(given), unsaved, 1, options, ctypes.byref(unit)),
        )
        return None if failed else unit

    def children(self, cursor: Any) -> list[Cursor]:
        found: list[Cursor] = []
        append = found.append

        def visit(child: Cursor, _parent: Cursor, _: Any) -> int:
            append(child)
            return 1  # its own children are asked for one by one

        self.visitChildren(cursor, _VISITOR(visit), None)
        return found

    def declarations(self, unit: Any) -> tuple[list[Cursor], list[tuple[int, Cursor]]]:
        """What a unit declares; the tags and enumerators inside, with the place of their whole."""
        found: list[Cursor] = []
        inner: list[tuple[int, Cursor]] = []

        def visit(child: Cursor, parent: Cursor, _: Any) -> int:
            kind = child.kind
            if parent.kind not in _WITH_NAMES:
                found.append(child)
            elif kind in _WITH_NAMES or kind == _ENUMERATOR:
                inner.append((len(found) - 1, child))
            return 2 if kind in _WITH_NAMES else 1

        self.visitChildren(self.getTranslationUnitCursor(unit), _VISITOR(visit), None)
        return found, inner

    def fields(self, record: Any) -> list[Cursor]:
        """Of a struct or union: also those without a name."""
        found: list[Cursor] = []

        def visit(field: Cursor, _: Any) -> int:
            found.append(field)
            return 1

        self.Type_visitFields(record, _FIELD_VISITOR(visit), None)
        return found

    def inclusions(self, unit: Any) -> list[tuple[str, int]]:
        """Each file, with the number of files that lead to it."""
        found: list[tuple[str, int]] = []

        def visit(file: int, _stack: Any, depth: int, _: Any) -> None:
            found.append((self.text(self.getFileName(file)), depth))

        self.getInclusions(unit, _INCLUSION_VISITOR(visit), None)
        return found

    def place(self, location: Any) -> tuple[str, int, int, int]:
        """File, line, column and offset: of a macro's use, not of its definition."""
        file, offset = self.file_and_offset(location)
        return file, self._place[1].value, self._place[2].value, offset

    def file_and_offset(self, location: Any) -> tuple[str, int]:
        file, _, _, offset = self._place
        self.getExpansionLocation(location, *self._to_place)
        at = file.value or 0
        known = self._files.get(at)
        if known is None:
            known = self._files[at] = self.text(self.getFileName(file))
        return known, offset.value

    def problems(self, unit: Any) -> Iterator[tuple[int, tuple[str, int, int, int], str, Any]]:
        """Severity, place and text of what Clang reports, and Clang's own object."""
        for index in range(self.getNumDiagnostics(unit)):
            one = self.getDiagnostic(unit, index)
            place = self.place(self.getDiagnosticLocation(one))
            yield (
                self.getDiagnosticSeverity(one),
                place,
                self.text(self.getDiagnosticSpelling(one)),
                one,
            )

    def evaluate(self, cursor: Any) -> int | float | str | None:
        """The value of a constant's initializer; None if it has none at compile time, or more bits
        than libclang gives. Of a text it is the bytes before a zero: not all of it."""
        result = self.Cursor_Evaluate(cursor)
        kind = self.EvalResult_getKind(result) if result else 0
        if kind == 1 and self.Type_getSizeOf(self.getCursorType(cursor)) <= _LONG:
            if self.EvalResult_isUnsignedInt(result):
                return int(self.EvalResult_getAsUnsigned(result))
            return int(self.EvalResult_getAsLongLong(result))
        if kind == 2:
            return float(self.EvalResult_getAsDouble(result))
        if kind == 4:
            found: bytes = self.EvalResult_getAsStr(result)
            return found.decode("utf-8", "surrogateescape")
        return None
