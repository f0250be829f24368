"""A SQL function for the sqlite3 program: `.load ./check`, then `select add1(41)`."""

import epy

sqlite = epy.header("sqlite3.h", library="libsqlite3.so.0")  # the one that the program runs on


def add1(context, count, values):
    sqlite.sqlite3_result_int64(context, sqlite.sqlite3_value_int64(values[0]) + 1)


@sqlite.export("int sqlite3_check_init(sqlite3 *, char **, const sqlite3_api_routines *)", error=1)
def sqlite3_check_init(db, message, api):
    return sqlite.sqlite3_create_function(
        db, b"add1", 1, sqlite.SQLITE_UTF8, None, add1, None, None
    )
