"""Clang's types and declarations -> plain data (`terms`), which the core makes classes of."""

from __future__ import annotations

import re
from typing import Any

from . import kinds
from .layout import Layout, Member, lay_out
from .libclang import Cursor, Library
from .terms import (
    Type,
    Unsupported,
    alias_name,
    array_element,
    array_length,
    declared_type,
    enum_integer,
    impossible_reason,
    impossible_size,
    is_a,
    is_signed,
    layout_obstacle,
    opaque,
    tag_key,
    unusable,
    unusable_reason,
)
from .unit import BYTE_ORDER

# clang-c/Index.h, CXCursorKind
STRUCT, UNION, CLASS, ENUM, _ENUMERATOR, _ANNOTATION = 2, 3, 4, 5, 7, 406
_SCOPES = (STRUCT, UNION, CLASS, 22, 31, 32)  # and namespaces, class templates, parts of these
KEYWORDS = {STRUCT: "struct", UNION: "union", CLASS: "struct", ENUM: "enum"}
UNUSED = "anonymous"  # a tag that nothing names
# In Clang's name for it: by its typedef, or by an enum's first member.
_UNNAMED_TAG = re.compile(r"@[SUE](?:A@([^@]+)|a@[^@]*)$")


class Types:
    """The types of one translation unit. `names` are the definitions, filled as they are met."""

    def __init__(self, clang: Library, names: dict[str, Any], is_cplusplus: bool) -> None:
        self.clang: Any = clang
        self.names = names
        self.is_cplusplus = is_cplusplus
        self.decays = True  # parameters that are arrays or functions by a typedef
        self.refused: dict[int, str] = {}  # declarations that Clang rejects, and why
        self._known: dict[int, Type] = {}
        self.constant: dict[int, int] = {}  # parameters, as bits, by function type
        self._leads_to_const: dict[int, bool] = {}  # parameters' types
        self._keys: dict[int, str] = {}  # of tags without a name
        self._begun: set[str] = set()  # tags whose definition has been met
        self._layouts: dict[str, Layout] = {}
        self.guesses = False  # names of tags depend on what else there is
        self._open = 0  # records whose layout is being found
        self._indirections = 0  # pointers and functions between the innermost one and this type
        self._waiting: dict[str, tuple[Cursor, str, str]] = {}  # tags behind them, see `tag`

    # Types

    def type(self, found: Any, hint: str = "") -> Type:
        """`hint` names a struct, union or enum without a tag."""
        known = self._known.get(found.address, self)
        if known is self:
            known = self._type(found, hint)
            self._known[found.address] = known
        return known

    def _type(self, found: Any, hint: str) -> Type:
        clang = self.clang
        kind = found.kind
        if kind in kinds.SIMPLE:
            return kinds.SIMPLE[kind]
        if kind == kinds.ELABORATED:
            return self.type(clang.Type_getNamedType(found), hint)
        if kind == kinds.TYPEDEF:
            return self.typedef(clang.getTypeDeclaration(found))
        if kind in kinds.INDIRECT:
            self._indirections += 1
            try:
                if kind in kinds.FUNCTIONS:
                    return self._function(found, hint)
                return ("*", self.type(clang.getPointeeType(found), hint))
            finally:
                self._indirections -= 1
        if kind == kinds.ARRAY:
            return ("[", self.type(clang.getElementType(found), hint), clang.getArraySize(found))
        if kind in kinds.ANY_ARRAY:
            return ("[", self.type(clang.getElementType(found), hint), 0)
        if kind in (kinds.RECORD, kinds.ENUM):
            return self.tag(clang.getTypeDeclaration(found), hint)
        if kind == kinds.ATOMIC:
            return self.type(clang.Type_getValueType(found), hint)
        if kind == kinds.ATTRIBUTED:
            return self.type(clang.Type_getModifiedType(found), hint)
        if kind == kinds.COMPLEX:
            element = kinds.SIMPLE.get(clang.getElementType(found).kind)
            if element in ("c_float", "c_double"):
                return f"{element}_complex"
        if kind not in kinds.IMPOSSIBLE:
            actual = clang.getCanonicalType(found)
            if actual.kind != kind:
                return self.type(actual, hint)
        reason = kinds.IMPOSSIBLE.get(
            kind, f"the type '{clang.text(clang.getTypeSpelling(found))}'"
        )
        size, align = clang.Type_getSizeOf(found), clang.Type_getAlignOf(found)
        return ("?", reason, max(0, size), max(0, align))

    def _function(self, found: Any, hint: str) -> Type:
        clang = self.clang
        count = clang.getNumArgTypes(found)
        given = [clang.getArgType(found, it) for it in range(count)]
        types = tuple([self._parameter(one) for one in given])
        bits = 0
        for number, one in enumerate(given):
            if self._is_to_const(one):
                bits |= 1 << number
        self.constant[found.address] = bits
        is_open = bool(clang.isFunctionTypeVariadic(found)) or found.kind == kinds.OPEN_FUNCTION
        return ("(", self.type(clang.getResultType(found), hint), types, is_open)

    def _is_to_const(self, given: Any) -> bool:
        known = self._leads_to_const.get(given.address)
        if known is None:
            target = self.clang.getPointeeType(self.clang.getCanonicalType(given))
            known = bool(self.clang.isConstQualifiedType(target))
            self._leads_to_const[given.address] = known
        return known

    def _parameter(self, given: Any) -> Type:
        """Arrays and functions are pointers there."""
        found = self.type(given)
        if is_a(found, "*") or (not self.decays and is_a(found, "t")):
            return found
        actual = self.resolved(found)
        if is_a(actual, "("):
            return ("*", found)
        return ("*", array_element(actual)) if is_a(actual, "[") else found

    def typedef(self, cursor: Any) -> Type:
        name: str = self.clang.text(self.clang.getCursorSpelling(cursor))
        if self._is_inner(cursor):
            self.check(cursor)
            return self.type(self.clang.getTypedefDeclUnderlyingType(cursor), name)
        if name not in self.names or not is_a(self.names[name], "t"):
            self.check(cursor)
            found = self.type(self.clang.getTypedefDeclUnderlyingType(cursor), name)
            self.names[name] = ("t", "c_wchar" if name == "wchar_t" else found)
        return ("t", name)

    def resolved(self, found: Type) -> Any:
        """A type behind its typedefs; "" for void."""
        while is_a(found, "t"):
            found = declared_type(self.names[alias_name(found)])
        return found or ""

    def check(self, cursor: Any) -> None:
        """Raises Unsupported for what Clang rejects."""
        if self.refused and cursor.node in self.refused:
            raise Unsupported(self.refused[cursor.node])

    # Tags

    def tag(self, cursor: Any, hint: str = "") -> Type:
        """A struct, union or enum; defined when it is met first, or behind the record that only
        leads to it, which it may contain."""
        clang = self.clang
        keyword = KEYWORDS[cursor.kind]
        definition: Cursor = clang.getCursorDefinition(cursor)
        is_defined = definition.kind in KEYWORDS
        key = self._key(definition if is_defined else cursor, keyword, hint)
        name = f"{keyword} {key}"
        if name in self._begun:
            return (keyword, key)
        self.names[name] = opaque()
        if not is_defined:
            return (keyword, key)
        if self._open and self._indirections and keyword != "enum":
            self._waiting[name] = definition, keyword, key
            return (keyword, key)
        self._define(definition, keyword, key)
        while self._waiting and not self._open:
            self._define(*self._waiting.popitem()[1])
        return (keyword, key)

    def _define(self, definition: Cursor, keyword: str, key: str) -> None:
        name = f"{keyword} {key}"
        if name in self._begun:
            return
        self._begun.add(name)
        if self.is_cplusplus and self._is_class(definition):
            return
        indirections, self._indirections = self._indirections, 0
        self._open += 1
        try:
            self.check(definition)
            if keyword == "enum":
                self.names[name] = self._enum(definition)
            else:
                self.names[name] = self._record(definition, keyword, key)
        except Unsupported as reason:
            self.names[name] = unusable(str(reason))
        finally:
            self._open -= 1
            self._indirections = indirections

    def _key(self, cursor: Cursor, keyword: str, hint: str) -> str:
        if cursor.node in self._keys:
            return self._keys[cursor.node]
        clang = self.clang
        name: str = clang.text(clang.getCursorSpelling(cursor))
        if not self.has_name(cursor):
            found = _UNNAMED_TAG.search(clang.text(clang.getCursorUSR(cursor)))
            hint = (found and found[1]) or hint
            self.guesses |= "." not in hint and hint != UNUSED and not (found and found[1])
            name = f"{{{hint or UNUSED}}}"
            while f"{keyword} {name}" in self.names:
                name += "'"
        elif name == "__va_list_tag":  # no name in C
            name = f"{{{name}}}"
        elif self.is_cplusplus:  # others may have it in their own scope, or for other arguments
            name = clang.text(clang.getTypeSpelling(clang.getCursorType(cursor)))
        self._keys[cursor.node] = name
        return name

    def _is_inner(self, cursor: Cursor) -> bool:
        """Whether it belongs to a class or a namespace, and so is none of C's names."""
        return self.is_cplusplus and self.clang.getCursorSemanticParent(cursor).kind in _SCOPES

    def has_name(self, cursor: Cursor) -> bool:
        clang = self.clang
        name, whole = map(clang.text, (clang.getCursorSpelling(cursor), clang.getCursorUSR(cursor)))
        return bool(name) and "(" not in name and not _UNNAMED_TAG.search(whole)

    def _is_class(self, cursor: Cursor) -> bool:
        """Whether it is more than a struct of C."""
        return cursor.kind != ENUM and not self.clang.isPODType(self.clang.getCursorType(cursor))

    def _enum(self, cursor: Cursor) -> Any:
        clang = self.clang
        found = self.resolved(self.type(clang.getEnumDeclIntegerType(cursor)))
        integer = kinds.AS_NUMBERS.get(found, found)
        sign = "" if is_signed(integer) else "Unsigned"
        value = getattr(clang, f"getEnumConstantDecl{sign}Value")
        items = []
        is_inner = self._is_inner(cursor) or clang.EnumDecl_isScoped(cursor)
        for child in (it for it in clang.children(cursor) if it.kind == _ENUMERATOR):
            name = clang.text(clang.getCursorSpelling(child))
            items.append((name, value(child)))
            if not is_inner:
                self.names[name] = ("c", items[-1][1])
        return ("enum", integer, tuple(items))

    def _record(self, cursor: Cursor, keyword: str, key: str) -> Any:
        clang = self.clang
        whole = clang.getCursorType(cursor)
        size, align = clang.Type_getSizeOf(whole), clang.Type_getAlignOf(whole)
        if size < 0:
            raise Unsupported("is not valid C")
        if clang.Cursor_hasAttrs(cursor):
            self._check_byte_order(cursor)
        members: list[Member] = []
        anonymous: list[str] = []
        bits: list[tuple[Any, ...]] = []
        names: list[str] = []
        natural, obstacle = 1, ""
        label = key.strip("{}'")
        for field in clang.fields(whole):
            name = clang.text(clang.getCursorSpelling(field))
            found = clang.getCursorType(field)
            at = clang.Cursor_getOffsetOfField(field)
            width = clang.getFieldDeclBitWidth(field)
            if "(" in name:  # Clang's words for one without a name
                name = ""
            kind = self.type(found, f"{label}.{name or 'unnamed'}")
            ctypes_align = self._ctypes_align(kind)
            if width >= 0:
                if name:
                    signed = is_signed(self._integer(kind))
                    bits.append((name, kind, at // 8, at % 8, width, signed))
                    names.append(name)
                    natural = max(natural, ctypes_align)
                continue
            if not name:
                name = f"#{len(anonymous)}"
                anonymous.append(name)
            names.append(name)
            natural = max(natural, ctypes_align)
            obstacle = obstacle or self._obstacle(kind)
            room = max(0, clang.Type_getSizeOf(found))
            members.append(Member(name, self._storable(kind), at // 8, room, ctypes_align))
        layout = lay_out(members, size, align, keyword == "union")
        self._layouts[f"{keyword} {key}"] = layout
        # What an attribute aligns has gaps that belong to no class, and its own place on the stack.
        if not obstacle and align > natural:
            obstacle = f"is aligned to {align} bytes"
        return (
            *(keyword, label, size, layout.packed, layout.fields),
            *(tuple(anonymous), tuple(bits), tuple(names), obstacle),
        )

    def _check_byte_order(self, cursor: Cursor) -> None:
        for child in self.clang.children(cursor):
            text = self.clang.text(self.clang.getCursorSpelling(child))
            if child.kind == _ANNOTATION and text == f"{BYTE_ORDER}big-endian":
                raise Unsupported(f"has its numbers in another byte order ({BYTE_ORDER})")

    def _obstacle(self, found: Type) -> str:
        while is_a(actual := self.resolved(found), "["):
            found = array_element(actual)
        if is_a(actual, "?"):
            return f"holds what Python cannot ({impossible_reason(actual)})"
        if is_a(actual, "struct") or is_a(actual, "union"):
            return str(layout_obstacle(self.names[" ".join(actual)]))
        return ""

    def _storable(self, found: Type) -> Type:
        """Types that Python cannot hold are bytes in a struct."""
        actual = self.resolved(found)
        if is_a(actual, "?"):
            return ("[", "c_ubyte", impossible_size(actual))
        if is_a(actual, "["):
            return ("[", self._storable(array_element(actual)), array_length(actual))
        return found

    def _integer(self, found: Type) -> Any:
        """The integer type of a bit-field: of an enum its own."""
        actual = self.resolved(found)
        is_enum = is_a(actual, "enum")
        return enum_integer(self.names[f"enum {tag_key(actual)}"]) if is_enum else actual

    def _ctypes_align(self, found: Type) -> int:
        """The alignment of the ctypes type that stands for it."""
        actual = self.resolved(found)
        while is_a(actual, "["):
            actual = self.resolved(array_element(actual))
        if is_a(actual, "enum"):
            actual = self._integer(actual)
        if isinstance(actual, str):
            return kinds.ALIGNMENTS.get(actual, 1)
        if actual[0] in ("struct", "union"):
            name = " ".join(actual)
            if name in self._waiting:
                self._define(*self._waiting.pop(name))
            if name not in self._layouts:
                raise Unsupported(f"contains {name}, which {unusable_reason(self.names[name])}")
            return self._layouts[name].ctypes_align
        return 1 if actual[0] == "?" else 8
