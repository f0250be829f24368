"""A SQL function for the sqlite3 program: `.load ./check`, then `select add1(41)`."""

from ctypes import CDLL, CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_void_p

import epy

UTF8 = 1  # SQLITE_UTF8
SQLFunction = CFUNCTYPE(None, c_void_p, c_int, POINTER(c_void_p))

sqlite = CDLL("libsqlite3.so.0")  # the one that the sqlite3 program itself runs on
sqlite.sqlite3_value_int64.argtypes = [c_void_p]
sqlite.sqlite3_value_int64.restype = c_int64
sqlite.sqlite3_result_int64.argtypes = [c_void_p, c_int64]
sqlite.sqlite3_create_function.argtypes = [
    *(c_void_p, c_char_p, c_int, c_int, c_void_p, SQLFunction, c_void_p, c_void_p)
]


@epy.callback(SQLFunction)
def add1(context, count, values):
    sqlite.sqlite3_result_int64(context, sqlite.sqlite3_value_int64(values[0]) + 1)


@epy.export("int sqlite3_check_init(void *db, char **message, const void *api)", error=1)
def sqlite3_check_init(db, message, api):
    return sqlite.sqlite3_create_function(db, b"add1", 1, UTF8, None, add1, None, None)
