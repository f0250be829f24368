"""An extension for SQLite: SQL functions in Python.

    epy build NAME.py
    sqlite3 :memory: '.load ./NAME' "select shout('hello')"

The header comes with the package libsqlite3-dev.
"""

from ctypes import POINTER, cast, string_at

import epy

sqlite = epy.header("sqlite3ext.h")


def shout(text: str) -> str:
    return text.upper() + "!"


def sql_shout(context, count, values):
    """What SQLite calls: as many values as were registered below; NULL has no text."""
    text = api.value_text(values[0])
    if not text:
        api.result_null(context)
        return
    result = shout(string_at(text).decode()).encode()
    api.result_text(context, result, len(result), sqlite.SQLITE_TRANSIENT)


# SQLite looks for this name first. Its functions are in the table that it passes.
@sqlite.export("int sqlite3_extension_init(sqlite3 *, char **, const void *)", error=1)
def sqlite3_extension_init(db, message, routines):
    global api
    api = cast(routines, POINTER(sqlite.sqlite3_api_routines)).contents
    flags = sqlite.SQLITE_UTF8 | sqlite.SQLITE_DETERMINISTIC
    return api.create_function(db, b"shout", 1, flags, None, sql_shout, None, None)
