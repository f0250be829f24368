"""A SQL function for the sqlite3 program: `.load ./check`, then `select add1(41)`.

SQLite's functions are in the table that it passes: a program may have an SQLite of its own inside.
"""

from ctypes import POINTER, cast

import epy

sqlite = epy.header("sqlite3ext.h")


def add1(context, count, values):
    api.result_int64(context, api.value_int64(values[0]) + 1)


# `void *`: a start need not read what the header says of the 280 functions in the table.
@sqlite.export("int sqlite3_check_init(sqlite3 *, char **, const void *)", error=1)
def sqlite3_check_init(db, message, routines):
    global api
    api = cast(routines, POINTER(sqlite.sqlite3_api_routines)).contents
    return api.create_function(db, b"add1", 1, sqlite.SQLITE_UTF8, None, add1, None, None)
