"""One Python function, for C programs and for SQL.

C hosts find `days_between` and call it. The sqlite3 program finds `sqlite3_demo_init`, which
registers the same function for its queries.
"""

from ctypes import CDLL, CFUNCTYPE, POINTER, c_char_p, c_int, c_void_p
from datetime import date

import epy


@epy.export("int days_between(const char *start, const char *end)", error=-1)
def days_between(start, end):
    return (date.fromisoformat(end.decode()) - date.fromisoformat(start.decode())).days


sqlite = CDLL("libsqlite3.so.0")  # the one that the sqlite3 program itself runs on
sqlite.sqlite3_value_text.argtypes = [c_void_p]
sqlite.sqlite3_value_text.restype = c_char_p
sqlite.sqlite3_result_int.argtypes = [c_void_p, c_int]

SQLFunction = CFUNCTYPE(None, c_void_p, c_int, POINTER(c_void_p))
sqlite.sqlite3_create_function.argtypes = [
    *(c_void_p, c_char_p, c_int, c_int, c_void_p, SQLFunction, c_void_p, c_void_p)
]


@epy.callback(SQLFunction)
def sql_days_between(context, count, values):
    start, end = (sqlite.sqlite3_value_text(values[i]) for i in range(count))
    sqlite.sqlite3_result_int(context, days_between(start, end))


@epy.export("int sqlite3_demo_init(void *db, char **message, const void *api)", error=1)
def sqlite3_demo_init(db, message, api):
    utf8 = 1
    return sqlite.sqlite3_create_function(
        db, b"days_between", 2, utf8, None, sql_days_between, None, None
    )
