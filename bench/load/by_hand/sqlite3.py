"""A SQL function for the sqlite3 program: `.load ./check`, then `select add1(41)`."""

from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p

import epy

UTF8 = 1  # SQLITE_UTF8
SQLFunction = CFUNCTYPE(None, c_void_p, c_int, POINTER(c_void_p))
Create = CFUNCTYPE(
    *(c_int, c_void_p, c_char_p, c_int, c_int, c_void_p, SQLFunction, c_void_p, c_void_p)
)


class Routines(Structure):  # of some 280 functions, those that are called
    _fields_ = [
        ("before_create_function", c_void_p * 45),
        ("create_function", Create),
        ("before_result_int64", c_void_p * 37),
        ("result_int64", CFUNCTYPE(None, c_void_p, c_int64)),
        ("before_value_int64", c_void_p * 23),
        ("value_int64", CFUNCTYPE(c_int64, c_void_p)),
    ]


@epy.callback(SQLFunction)
def add1(context, count, values):
    api.result_int64(context, api.value_int64(values[0]) + 1)


@epy.export
def sqlite3_check_init(db: c_void_p, message: c_void_p, routines: POINTER(Routines)) -> c_int:
    global api
    api = routines.contents
    return api.create_function(db, b"add1", 1, UTF8, None, add1, None, None)
