"""Functions for PostgreSQL, in C's place: one computes, one asks the server in turn."""

from ctypes import c_bool, sizeof

import epy

try:
    from only_in_venv import NAME
except ImportError:
    NAME = "system"

postgres = epy.header(
    """
    #include "postgres.h"
    #include "fmgr.h"
    #include "executor/spi.h"
    """
)
MAGIC = postgres.Pg_magic_struct(
    version=postgres.PG_VERSION_NUM // 100,
    funcmaxargs=postgres.FUNC_MAX_ARGS,
    indexmaxkeys=postgres.INDEX_MAX_KEYS,
    namedatalen=postgres.NAMEDATALEN,
    float8byval=postgres.FLOAT8PASSBYVAL,
    abi_extra=postgres.FMGR_ABI_EXTRA,
)
MAGIC.len = sizeof(MAGIC)
VERSION_1 = postgres.Pg_finfo_record(1)


@postgres.export("const Pg_magic_struct *Pg_magic_func(void)")
def pg_magic_func():
    return MAGIC


def sql_function(prototype):
    """Export a function with PostgreSQL's calling convention, and the record that says so."""

    def export(function):
        @postgres.export("const Pg_finfo_record *f(void)", name=f"pg_finfo_{function.__name__}")
        def record():
            return VERSION_1

        return postgres.export(prototype, name=function.__name__)(function)

    return export


@sql_function("Datum f(FunctionCallInfo call)")
def add1(call):
    return call[0].args[0].value + 1


@sql_function("const char *f(FunctionCallInfo call)")
def packages(call):
    return NAME


@sql_function("Datum f(FunctionCallInfo call)")
def through_sql(call):
    """py1(n) + 1, by way of the server's SQL."""
    postgres.SPI_connect()
    command = f"select py1({call[0].args[0].value})"
    if postgres.SPI_execute(command.encode(), True, 1) != postgres.SPI_OK_SELECT:
        raise RuntimeError(f"{command} failed")
    table = postgres.SPI_tuptable[0]
    null = c_bool()
    value = postgres.SPI_getbinval(table.vals[0], table.tupdesc, 1, null)
    postgres.SPI_finish()
    return value + 1
