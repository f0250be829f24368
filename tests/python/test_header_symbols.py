"""Functions and variables that libraries have under another name than C."""

from __future__ import annotations

import ctypes
import sys

import epy


def test_a_function_is_looked_up_under_its_assembler_name() -> None:
    host = epy.header('int absolute(int) __asm__("abs"); extern int index __asm__("optind");')
    assert host.absolute(-4) == 4
    optind = ctypes.c_int.in_dll(ctypes.CDLL(None), "optind")
    assert ctypes.addressof(host.index) == ctypes.addressof(optind)


def test_a_later_declaration_gives_the_name() -> None:
    host = epy.header('int absolute(int); extern int absolute(int) __asm__("abs");')
    assert host.absolute(-4) == 4


def test_posix_s_strerror_r_is_not_gnu_s() -> None:
    host = epy.header("#define _POSIX_C_SOURCE 200112L\n#include <string.h>\n")
    buffer = ctypes.create_string_buffer(100)
    assert (host.strerror_r(2, buffer, 100), buffer.value) == (0, b"No such file or directory")


def test_a_macro_that_renames_a_function_leads_to_that() -> None:
    host = epy.header("#define positive absolute\n#define absolute abs\nint abs(int);\n")
    assert (host.absolute(-3), host.positive(-5)) == (3, 5)


def test_the_macro_counts_also_when_the_name_is_declared_before_it() -> None:
    host = epy.header("int toupper(int);\nint tolower(int);\n#define toupper tolower\n")
    assert host.toupper(65) == 97


def test_a_macro_that_renames_a_variable_leads_to_that() -> None:
    host = epy.header("extern int optind;\n#define index optind\n")
    assert ctypes.addressof(host.index) == ctypes.addressof(host.optind)


def test_a_plugin_has_the_names_too(build_plugin, run) -> None:
    script = """
import epy

host = epy.header('int absolute(int) __asm__("abs");')

@epy.export("int call(int)")
def call(x):
    return host.absolute(x)
"""
    load = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).call(-7))"
    assert run(sys.executable, "-c", load, build_plugin(script)).stdout == "7\n"


def test_c_may_declare_a_function_of_cplusplus_by_its_symbol(run, tmp_path) -> None:
    """Under that, or under a name of its own."""
    (tmp_path / "sum.cpp").write_text("int sum(int a, int b) { return a + b; }\n")
    library = tmp_path / "libsum.so"
    run("c++", "-shared", "-fPIC", "-o", library, tmp_path / "sum.cpp")
    text = 'int _Z3sumii(int, int); int sum(int, int) __asm__("_Z3sumii");'
    host = epy.header(text, library=str(library))
    assert (host._Z3sumii(1, 2), host.sum(3, 4)) == (3, 7)


EXPORTS = """
import epy

host = epy.header('''
int plain(int); int labelled(int) __asm__("label_of_it"); int renamed_to(int);
#define renamed renamed_to
int by_text(int) __asm__("label_of_text"); int all_one(int) __asm__("label_of_all");
extern int data __asm__("label_of_data");
''')

@host.export
def plain(x):
    return x

@host.export
def labelled(x):
    return x + 1

@host.export
def renamed(x):
    return x + 2

@host.export("int by_text(int)")
def another(x):
    return x + 3

@host.export(name="chosen", like="labelled")
def other(x):
    return x + 4

host.export_missing("all_*", error=5)
host.export_data("data", 6)
"""


def test_an_export_has_the_name_that_c_calls(build_plugin, run) -> None:
    """`name=` is the symbol itself."""
    names = "plain label_of_it renamed_to label_of_text chosen label_of_all".split()
    load = f"""
import ctypes, sys
plugin = ctypes.CDLL(sys.argv[1])
print([getattr(plugin, name)(0) for name in {names}])
print(ctypes.c_int.in_dll(plugin, "label_of_data").value, hasattr(plugin, "labelled"))
"""
    found = run(sys.executable, "-c", load, build_plugin(EXPORTS)).stdout
    assert found == "[0, 1, 2, 3, 4, 5]\n6 False\n"
