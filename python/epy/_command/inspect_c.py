"""`epy inspect --c`: a C header of what a plugin exports, for hosts that are written for it."""

from __future__ import annotations

import re
from pathlib import Path

from .inspect import Description

_INCLUDES = ("stdbool.h", "stddef.h", "stdint.h", "stdio.h", "sys/types.h", "wchar.h")
_KNOWN = {
    *("_Bool", "_Complex", "bool", "char", "double", "float", "int", "long", "short", "signed"),
    *("unsigned", "void", "const", "volatile", "struct", "union", "enum", "restrict", "wchar_t"),
    *("size_t", "ssize_t", "ptrdiff_t", "FILE", "va_list", "off_t", "pid_t", "uid_t", "gid_t"),
    *("mode_t", "time_t", "wint_t", "intmax_t", "uintmax_t", "intptr_t", "uintptr_t"),
}
_FIXED = re.compile(r"u?int(_least|_fast)?(8|16|32|64)_t")
_TAG = re.compile(r"\b(struct|union|enum)\s+(\w+)")
_NAME = re.compile(r"[A-Za-z_]\w*")


def render_c(found: Description) -> str:
    """The header. What has no C signature is a comment.

    Of structs it has the tags alone, and a name that C does not know is what a pointer to it is to
    a host: opaque.
    """
    guard = re.sub(r"^(?=\d)|\W", "_", f"{Path(found['plugin']).stem}_H", flags=re.ASCII).upper()
    declared, lines = [], []
    for item in found["functions"]:
        if item["codes"] is None and item["signature"].endswith("(...)"):
            lines.append(f"/* {item['name']}: an address, whose C type the script does not give */")
        else:
            declared.append(item["signature"])
            lines.append(f"{item['signature']};")
    for item in found["data"]:
        if _TAG.match(item["signature"]) and "*" not in item["signature"]:
            lines.append(f"/* {item['signature']}; {item['size']} bytes */")
        else:
            declared.append(item["signature"])
            lines.append(f"extern {item['signature']};")
    return "\n".join(
        [
            f"/* What {Path(found['plugin']).name} exports, written by epy. */",
            f"#ifndef {guard}\n#define {guard}",
            *(f"#include <{name}>" for name in _INCLUDES),
            '#ifdef __cplusplus\nextern "C" {\n#endif',
            *_opaque(declared),
            *lines,
            "#ifdef __cplusplus\n}\n#endif",
            "#endif\n",
        ]
    )


def _is_known(name: str) -> bool:
    return name in _KNOWN or _FIXED.fullmatch(name) is not None


def _opaque(declarations: list[str]) -> list[str]:
    """Declarations of the types that C itself has not."""
    tags, names = {}, {}
    for text in declarations:
        for keyword, name in _TAG.findall(text):
            tags[name] = f"{keyword} {name};"
        for part in re.split(r"[(),]", _TAG.sub("int", text)):
            words = [it for it in _NAME.findall(part) if it not in ("const", "volatile")]
            if words and not part.lstrip().startswith("*") and not _is_known(words[0]):
                unknown = words[0]
                is_pointer = re.search(rf"\b{unknown}\b[\s\w]*\*", part) is not None
                kind = f"struct {unknown} {unknown}" if is_pointer else f"void *{unknown}"
                names[unknown] = f"typedef {kind};"
    return [*tags.values(), *names.values()]
