"""One Python function, for C programs and for SQL.

C hosts find `days_between` and call it. The sqlite3 program finds `sqlite3_demo_init`, which
registers the same function for its queries.
"""

from ctypes import string_at
from datetime import date

import epy

sqlite = epy.header("sqlite3ext.h")


@epy.export("int days_between(const char *start, const char *end)", error=-1)
def days_between(start, end):
    return (date.fromisoformat(end.decode()) - date.fromisoformat(start.decode())).days


@sqlite.export(
    "int sqlite3_demo_init(sqlite3 *db, char **message, const sqlite3_api_routines *api)", error=1
)
def sqlite3_demo_init(db, message, api):
    def sql_days_between(context, count, values):
        start, end = (string_at(api.value_text(values[i])) for i in range(count))
        api.result_int(context, days_between(start, end))

    return api.create_function(
        db, b"days_between", 2, sqlite.SQLITE_UTF8, None, sql_days_between, None, None
    )
