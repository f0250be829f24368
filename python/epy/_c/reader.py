"""The process that reads C: requests on its standard input, answers on its output, by marshal.

It starts without the package itself, which is for plugins: none of its modules needs the core.
"""

from __future__ import annotations

import ctypes
import gc
import marshal
import os
import resource
import sys
import traceback

from .function import Prototype, Prototypes
from .header import Header
from .libclang import Library, ReadError
from .part import Part

_KINDS: dict[str, type[Header | Prototype]] = {
    "header": Header,
    "part": Part,
    "prototype": Prototype,
    "prototypes": Prototypes,
}
_MEMORY = 2 * 2**30  # bytes
_DEPTH = 4000  # of functions


def main() -> None:
    """Serve until the other side closes."""
    gc.disable()  # what is read has no circles, and the process ends soon
    # A header may have no end.
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    sys.setrecursionlimit(_DEPTH)
    source, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    clang: Library | None = None
    while True:
        try:
            request = marshal.load(source)
        except EOFError:
            return
        try:
            clang = clang or Library(request["library"])
            answer = _KINDS[request["kind"]](clang, request).read()
        except ReadError as error:
            answer = {"error": str(error)}
        except UnicodeEncodeError as error:
            found = error.object[error.start]
            answer = {"error": f"{request['name']}: U+{ord(found):04X} is no character"}
        except (RecursionError, MemoryError, ctypes.ArgumentError):  # the last: in one of its calls
            answer = {
                "error": f"{request['name']}: is nested too deeply, or too long: paste the "
                "declarations that you need as text"
            }
        except Exception:  # a mistake of epy's
            answer = {"mistake": traceback.format_exc()}
        marshal.dump(answer, answers)
        answers.flush()
