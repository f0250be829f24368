"""A parsed header -> definitions: plain data that a plugin stores and the core makes classes of.

`Definitions.names` has a tuple for each name of C's ordinary name space (types: see `_c.types`):

    ("t", type)  ("f", function type)  ("v", type)  ("c", value)  ("m", Python expression)
    ("?", why the name cannot be used)

and, under "struct KEY", "union KEY" and "enum KEY", what a tag stands for: see `_record`, `_enum`.
"""

from __future__ import annotations

import re
from typing import Any

from pycparser import c_ast, c_parser

from .._errors import HeaderError
from . import prototype
from .dialect import MARK, PRELUDE, parseable
from .expressions import Expressions, Unsupported
from .layout import Layout, Member, Rules, lay_out
from .macros import read_macros
from .preprocess import Source
from .sizes import Sizes
from .standard_types import HEADERS, STANDARD
from .tokens import Lexer, Token
from .types import DECLARATORS, OPAQUE, Type, Types, is_a
from .undeclared import undeclared

_UNKNOWN = {
    "__int128": ("?", "__int128: 128-bit integers are not supported", 16, 16),
    "__int128 signed": ("?", "__int128: 128-bit integers are not supported", 16, 16),
    "__int128 unsigned": ("?", "unsigned __int128: 128-bit integers are not supported", 16, 16),
    "__epy_float128": ("?", "_Float128: 128-bit floating point is not supported", 16, 16),
    "_Complex double long": ("?", "long double _Complex is not supported", 32, 16),
}
_POSITION = re.compile(r"(.*?):(\d+)(?::\d+)?: (.*)", re.DOTALL)
_PACK = re.compile(r"#\s*pragma\s+pack\s*\((.*)\)")


class Definitions(Types):
    """All that a header declares."""

    def __init__(self, source: Source, name: str) -> None:
        self.names: dict[str, Any] = {}
        self.prototypes: dict[str, tuple[str, Type]] = {}
        self.constants: dict[str, Any] = {}
        self.expressions = Expressions(
            self.constants,
            lambda node: self.sizes.number(self.type(node)),
            self._size,
            self._offset,
        )
        self.sizes = Sizes(self.names)
        self._anonymous: dict[int, str] = {}
        self._pack = [0]
        self._marks: dict[str, int] = {}
        self._name = name
        for node in self._parse(source):
            try:
                self._declare(node)
            except Unsupported as reason:
                self.refuse(getattr(node, "name", None), str(reason))
        read_macros(self, source)

    # What `epy.header` asks for

    def find(self, name: str) -> Any:
        """What a name stands for, or None."""
        return self.names.get(name)

    def prototype(self, text: str) -> tuple[str, Type]:
        """The name and the type in a C prototype with this header's types."""
        if text not in self.prototypes:
            self.prototypes[text] = prototype.read(text, self)
        return self.prototypes[text]

    # Declarations

    def _parse(self, source: Source) -> list[Any]:
        parser = c_parser.CParser(lexer=Lexer)
        tokens = parseable(source.tokens)
        missing = undeclared([*PRELUDE, *tokens])
        standard = dict.fromkeys(name for _, name in missing if name in STANDARD)
        self.names |= {name: ("t", self.standard(name)) for name in standard}
        # Only to tell the parser that they are types.
        known = [Token(text, "", 1) for name in standard for text in ("typedef", "int", name, ";")]
        try:
            nodes: list[Any] = parser.parse([*known, *PRELUDE, *tokens], self._name).ext
            return nodes[len(standard) :]
        except (c_parser.ParseError, AssertionError) as error:
            place = parser.clex.count - len(known)
            others = [it for it in missing if it[1] not in STANDARD and it[0] < place]
            if others:
                index, name = others[-1]
                raise self._unknown_type(name, source, tokens[index - len(PRELUDE)]) from None
            raise self._syntax_error(str(error), source, parser.clex) from None
        except RecursionError:
            raise HeaderError(f"{self._name}: its declarations are nested too deeply") from None

    def _unknown_type(self, name: str, source: Source, place: Token) -> HeaderError:
        if name in ("class", "namespace", "template"):
            other: HeaderError = source.error(
                place.file, place.line, "is C++, not C", "paste its C declarations as text"
            )
            return other
        header = f"#include <{HEADERS[name]}>" if name in HEADERS else "#include its header"
        problem: HeaderError = source.error(
            place.file,
            place.line,
            f"the type '{name}' is not declared",
            f"{header}, declare it (`typedef ... {name};`), or give a macro its value by define= "
            "or `epy build -D`",
        )
        return problem

    def _syntax_error(self, message: str, source: Source, lexer: Any) -> HeaderError:
        """With file, line and the offending line; pycparser leaves the line out of some."""
        place = _POSITION.fullmatch(message)
        if place:
            file, line, detail = place[1], int(place[2]), place[3].replace("before: ", "before ")
        else:
            file, detail = lexer.filename, message.rpartition(": ")[2] or "it ends too early"
            line = lexer.line
        problem: HeaderError = source.error(
            file,
            line,
            f"does not parse ({detail})",
            "a macro may lack its #include (include=, epy build -I) or its value (define=, epy "
            "build -D); or paste the declarations as text",
        )
        return problem

    def _declare(self, node: Any) -> None:
        if isinstance(node, c_ast.Pragma):
            self._pragma(node.string)
            return
        if not isinstance(node, (c_ast.Decl, c_ast.Typedef)):
            return
        if self._is_mark(node):
            return
        marks, self._marks = self._marks, {}
        unsupported = [
            (key[12:], size) for key, size in marks.items() if key[:12] == "unsupported_"
        ]
        if isinstance(node.type, (c_ast.Struct, c_ast.Union, c_ast.Enum)):
            self._declared_tag(node.type, "", marks)
            return
        inner = node.type
        while isinstance(inner, DECLARATORS):
            inner = inner.type
        if isinstance(inner, c_ast.TypeDecl):
            self._declared_tag(inner.type, node.name or "", marks)
        found = self.type(node.type)
        if unsupported:
            attribute, size = unsupported[0]
            found = ("?", f"the attribute {attribute} is not supported", size, size)
        if isinstance(node, c_ast.Typedef):
            if "aligned" in marks:
                found = ("align", found, marks["aligned"])
            if node.name not in ("wchar_t",):
                self.names[node.name] = ("t", found)
            else:
                self.names[node.name] = ("t", "c_wchar")
        elif is_a(self.sizes.resolved(found), "("):
            if "inline" in marks and "extern" not in node.storage:
                self.refuse(node.name, "is an inline function, which no library has")
            elif node.name not in self.names or self.names[node.name][0] == "?":
                self.names[node.name] = ("f", found)
        else:
            self._variable(node, found)

    def _variable(self, node: Any, found: Type) -> None:
        if node.init is not None and "const" in node.quals + getattr(node.type, "quals", []):
            try:
                self.constants[node.name] = self.expressions.value(node.init)
                self.names[node.name] = ("c", self.constants[node.name])
                return
            except Unsupported:
                pass
        self.names[node.name] = ("v", found)

    def refuse(self, name: str | None, reason: str) -> None:
        if name and (name not in self.names or self.names[name][0] == "?"):
            self.names[name] = ("?", reason)

    def _is_mark(self, node: Any) -> bool:
        """Whether this is one of `_c.dialect`'s marks, which is noted then."""
        found = node.type
        if not isinstance(found, c_ast.Enum) or found.name or not found.values:
            return False
        first = found.values.enumerators[0]
        if not first.name.startswith(MARK):
            return False
        self._marks[first.name[len(MARK) :]] = self.expressions.integer(first.value)
        return True

    def _pragma(self, text: str) -> None:
        match = _PACK.match(f"#pragma {text}")
        if not match:
            return
        words = [word.strip() for word in match[1].split(",")]
        if words[0] == "pop":
            if len(self._pack) > 1:
                self._pack.pop()
            return
        if words[0] == "push":
            self._pack.append(self._pack[-1])
            words = words[1:]
        for word in words:
            if word.isdigit():
                self._pack[-1] = int(word)
        if words == [""]:
            self._pack[-1] = 0

    # Types

    def words(self, names: list[str]) -> Type:
        words = " ".join(sorted(word for word in names if word != "int"))
        return _UNKNOWN.get(words) or super().words(names)

    def typedef(self, name: str) -> Type:
        if name not in self.names and name in STANDARD:
            self.names[name] = ("t", self.standard(name))
        if name not in self.names or self.names[name][0] != "t":
            raise Unsupported(
                f"has the unknown type '{name}': declare it in the header's text, or write void * "
                "for a pointer to it"
            )
        return ("t", name)

    def decayed(self, found: Type) -> Type:
        actual = self.sizes.resolved(found)
        if is_a(actual, "("):
            return ("*", found)
        return ("*", actual[1]) if is_a(actual, "[") else found

    def count(self, node: Any) -> int:
        length = 0 if node is None else self.expressions.integer(node)
        if length < 0:
            raise Unsupported("has an array of negative length")
        return length

    def tag(self, node: Any) -> Type:
        return self._declared_tag(node, "", {})

    def _declared_tag(self, node: Any, hint: str, marks: dict[str, int]) -> Type:
        """A struct, union or enum, defined here if it has a body. `hint` names one without tag."""
        kinds = {c_ast.Struct: "struct", c_ast.Union: "union", c_ast.Enum: "enum"}
        kind = kinds.get(type(node))
        if kind is None:
            return None
        key = node.name or self._anonymous.get(id(node))
        if key is None:
            key = f"{{{hint or 'anonymous'}}}"
            while f"{kind} {key}" in self.names:
                key += "'"
            self._anonymous[id(node)] = key
        if kind == "enum":
            self._enum(node, key, marks)
        elif node.decls is None:
            self.names.setdefault(f"{kind} {key}", OPAQUE)
        elif f"{kind} {key}" not in self.sizes.layouts:
            self.sizes.layouts[f"{kind} {key}"] = "contains itself"
            try:
                self._record(node, kind, key)
            except Unsupported as reason:
                self.sizes.layouts[f"{kind} {key}"] = str(reason)
                self.names[f"{kind} {key}"] = ("?", str(reason))
        return (kind, key)

    def _enum(self, node: Any, key: str, marks: dict[str, int]) -> None:
        """("enum", ctypes name, ((name, value), ...))"""
        if node.values is None or f"enum {key}" in self.names:
            return
        value = -1
        items: list[tuple[str, int]] = []
        for item in node.values.enumerators:
            try:
                value = value + 1 if item.value is None else self.expressions.integer(item.value)
            except Unsupported as reason:
                for other in node.values.enumerators[len(items) :]:
                    self.refuse(other.name, str(reason))
                raise
            items.append((item.name, value))
            self.constants[item.name] = value
            self.names[item.name] = ("c", value)
        low, high = min(item[1] for item in items), max(item[1] for item in items)
        sizes = [(8, "int8"), (16, "int16")] if "small_enum" in marks else []
        for bits, name in (*sizes, (32, "int"), (64, "long")):
            if low >= 0 and high < 1 << bits:
                ctype = f"c_u{name}"
            elif low >= -(1 << (bits - 1)) and high < 1 << (bits - 1):
                ctype = f"c_{name}"
            else:
                continue
            break
        self.names[f"enum {key}"] = ("enum", ctype, tuple(items))

    def _record(self, node: Any, kind: str, key: str) -> None:
        """(kind, name, size, packed, fields, anonymous, bits, members, obstacle)

        `fields` are (name, type), in which storage has the name "". `anonymous` are the names of
        fields whose own fields belong to the whole. `bits` are bit-fields, `members` the names in
        the header's order, `obstacle` why it cannot be passed by value, if so.
        """
        members: list[Member] = []
        anonymous: list[str] = []
        names: list[str] = []
        flags: dict[str, int] = {}
        for item in node.decls:
            if isinstance(item, c_ast.Pragma):
                self._pragma(item.string)
            elif isinstance(item, c_ast.Decl):
                if self._is_mark(item):
                    if "packed" in self._marks or "aligned_type" in self._marks:
                        flags |= self._marks
                        self._marks = {}
                    continue
                member = self._member(item, f"{node.name or key.strip('{}')}.{item.name or ''}")
                if member is None:
                    continue
                if member.width is None and not item.name:
                    member = member._replace(name=f"#{len(anonymous)}")
                    anonymous.append(member.name)
                if member.name:
                    names.append(member.name)
                members.append(member)
        rules = Rules(
            kind == "union", "packed" in flags, self._pack[-1], flags.get("aligned_type", 0)
        )
        layout = lay_out(members, rules)
        self.sizes.layouts[f"{kind} {key}"] = layout
        fields = tuple((name, self._storable(found)) for name, found in layout.fields)
        self.names[f"{kind} {key}"] = (
            kind,
            key.strip("{}'"),
            layout.size,
            layout.packed,
            fields,
            tuple(anonymous),
            tuple(tuple(bits) for bits in layout.bits),
            tuple(names),
            self._obstacle(members, layout),
        )

    def _obstacle(self, members: list[Member], layout: Layout) -> str:
        for member in members:
            actual = self.sizes.resolved(member.type)
            while is_a(actual, "["):
                actual = self.sizes.resolved(actual[1])
            if is_a(actual, "?"):
                return f"holds what Python cannot ({actual[1]})"
            if is_a(actual, "struct") or is_a(actual, "union"):
                inner: str = self.names[f"{actual[0]} {actual[1]}"][8]
                if inner:
                    return inner
        # What an attribute aligns has gaps that belong to no class, and its own place on the stack.
        natural = max((member.ctypes_align for member in members), default=1)
        return f"is aligned to {layout.align} bytes" if layout.align > natural else ""

    def _storable(self, found: Type) -> Type:
        """Types that Python cannot hold are bytes in a struct."""
        actual = self.sizes.resolved(found)
        if is_a(actual, "?"):
            return ("[", "c_ubyte", actual[2])
        if is_a(actual, "["):
            return ("[", self._storable(actual[1]), actual[2])
        return found

    def _member(self, item: Any, place: str) -> Member | None:
        marks, self._marks = self._marks, {}
        for key in marks:
            if key.startswith("unsupported_"):
                raise Unsupported(f"has {place} with the attribute {key[12:]}, not supported")
        if item.name is None and item.bitsize is None:
            if not isinstance(item.type, (c_ast.Struct, c_ast.Union)) or item.type.name:
                self.tag(item.type)
                return None  # declares a tag, no member
        inner = item.type
        while isinstance(inner, DECLARATORS):
            inner = inner.type
        if isinstance(inner, c_ast.TypeDecl):
            self._declared_tag(inner.type, place, marks)
        elif isinstance(inner, (c_ast.Struct, c_ast.Union)):
            self._declared_tag(inner, place, marks)
        found = self.type(item.type)
        size, align, ctypes_align = self.sizes.measure(found)
        aligned = max(
            [marks.get("aligned", 0), *(self._alignas(node) for node in item.align or ())]
        )
        actual = self.sizes.resolved(found)
        width = None if item.bitsize is None else self.expressions.integer(item.bitsize)
        if width is not None and not 0 <= width <= 8 * size:
            raise Unsupported(f"has the bit-field {place} of {width} bits")
        return Member(
            item.name or "",
            found,
            size,
            align,
            ctypes_align,
            self.sizes.is_signed(actual),
            width,
            aligned,
            "packed_field" in marks,
        )

    def _alignas(self, node: Any) -> int:
        if isinstance(node.alignment, c_ast.Typename):
            return self._size(node.alignment, True)
        return self.expressions.integer(node.alignment)

    def _size(self, node: Any, align: bool) -> int:
        """What sizeof or _Alignof gives."""
        return self.sizes.measure(self.type(node))[align]

    def _offset(self, node: Any, designator: Any) -> int:
        member = designator.name if isinstance(designator, c_ast.ID) else ""
        return self.sizes.offset(self.type(node), member)
