"""Starts of scripts that use nothing of ctypes, and what they get in place of its instances."""

from __future__ import annotations

import sys

import pytest

SCRIPT = """
import epy, sys

@epy.export("int add(int a, int b)")
def add(a, b):
    "Adds."
    return a + b

@epy.export("const char *text(const char *name)")
def text(name):
    return name

@epy.export("int loaded(void)")
def loaded():
    return "ctypes" in sys.modules
"""


def test_a_script_with_plain_c_text_does_not_load_ctypes(build_plugin, native, run) -> None:
    plugin = build_plugin(SCRIPT)
    result = run(native("call"), f"open {plugin}", "int add 1 2", "text text x", "int loaded")
    assert result.stdout == "3\nx\n0\n"


def test_a_start_loads_no_other_modules(build_plugin, native, run) -> None:
    plugin = build_plugin(
        SCRIPT
        + """
@epy.export("int heavy(void)")
def heavy():
    known = ("os", "types", "struct", "__future__", "ctypes", "_ctypes", "site", "traceback")
    print(*(name for name in known if name in sys.modules))
    return 0
"""
    )
    result = run(native("call"), f"open {plugin}", "int heavy")
    assert result.stdout == "\n0\n"


def test_a_start_uses_no_module_that_another_thread_is_importing(build_plugin, run) -> None:
    plugin = build_plugin(SCRIPT)
    host = f"""
import ctypes, sys, threading, types
whole = {{name: sys.modules[name] for name in ("os", "threading")}}
for name in whole:
    half = types.ModuleType(name)
    half.__spec__ = types.SimpleNamespace(_initializing=True, name=name)
    sys.modules[name] = half
print(ctypes.CDLL({str(plugin)!r}).add(40, 2))
sys.modules.update(whole)
"""
    result = run(sys.executable, "-c", host)
    assert (result.stdout, result.stderr) == ("42\n", "")


def test_an_export_of_plain_text_is_a_function_of_python(build_plugin, native, run) -> None:
    plugin = build_plugin(
        SCRIPT
        + """
@epy.export("int look(void)")
def look():
    assert add(40, b=2) == 42 and add.__wrapped__(1, 2) == 3
    assert (add.__name__, add.__qualname__, add.__doc__) == ("add", "add", "Adds.")
    assert add.__module__ == __name__ and add.address > 0
    assert isinstance(add, epy.NativeFunction) and repr(add).startswith("<export 'add' at 0x")
    add.note = 5
    assert add.note == 5 and not hasattr(add, "notes")
    assert "ctypes" not in sys.modules
    return 1
"""
    )
    assert run(native("call"), f"open {plugin}", "int look").stdout == "1\n"


def test_it_fits_wherever_a_function_pointer_is_due(build_plugin, native, run) -> None:
    plugin = build_plugin(
        SCRIPT
        + """
epy.export_address("plus", add)

@epy.export("void *address(void)")
def address():
    return add

@epy.export("int look(void)")
def look():
    import ctypes
    from ctypes import CDLL, CFUNCTYPE, POINTER, Structure, c_int, c_void_p

    Function = CFUNCTYPE(c_int, c_int, c_int)

    class Table(Structure):
        _fields_ = [("f", Function)]

    made = add.as_ctypes()
    assert isinstance(made, Function) and isinstance(made, epy.NativeFunction)
    assert made.as_ctypes() is made and made(1, 2) == 3 and made.address == add.address
    assert Table(made).f(40, 2) == 42 and ctypes.cast(made, c_void_p).value == add.address
    with_function = CFUNCTYPE(c_int, Function)(lambda f: f(3, 4))
    assert with_function(add) == 7  # ctypes asks it for its instance
    assert epy.call(made, 5, 6) == 11 and epy.address(add) == add.address
    try:
        Table(add)
    except TypeError:
        return 1
    return 0
"""
    )
    result = run(native("call"), f"open {plugin}", "int add 1 2", "int look", "int plus 2 5")
    assert result.stdout == "3\n1\n7\n"


def test_a_script_that_imports_ctypes_gets_its_instances(build_plugin, native, run) -> None:
    plugin = build_plugin(
        "import ctypes\n"
        + SCRIPT
        + """
@epy.export("int look(void)")
def look():
    return isinstance(add, ctypes._CFuncPtr)
"""
    )
    assert run(native("call"), f"open {plugin}", "int look").stdout == "1\n"


CTYPES = """
import sys
from ctypes import c_int
import ctypes, epy

def known():
    return [name for name in ("os", "types") if name in sys.modules]

@epy.export
def look(what: c_int) -> c_int:
    assert known() == [], known()
    if what == 0:
        assert sys.modules.keys().isdisjoint({"os of ctypes", "types of ctypes"})
        assert ctypes._os.name == "posix" and ctypes.LibraryLoader[int].__origin__
        assert known() == []
    elif what == 1:
        import os
        from os import path
        assert ctypes._os.fspath is os.fspath and ctypes._os.path is path
    else:
        from ctypes import util
        assert util.find_library("c") and "os" in known()
    return 1
"""


@pytest.mark.parametrize("what", [0, 1, 2])
def test_ctypes_imports_no_module_that_nothing_of_it_uses(
    what: int, build_plugin, native, run
) -> None:
    plugin = build_plugin(CTYPES)
    result = run(native("call"), f"open {plugin}", f"int look {what}")
    assert result.stdout == "1\n", result.stderr


def test_ctypes_gets_what_the_script_has_imported_before(build_plugin, native, run) -> None:
    plugin = build_plugin(
        """
import os, types
import ctypes, epy

@epy.export("int look(void)")
def look():
    return ctypes._os is os and getattr(ctypes, "_types", types) is types
"""
    )
    assert run(native("call"), f"open {plugin}", "int look").stdout == "1\n"


def test_a_null_function_raises_whoever_imports_ctypes_later(build_plugin, native, run) -> None:
    plugin = build_plugin(
        SCRIPT
        + """
@epy.export("int look(void)", error=-1)
def look():
    from ctypes import CFUNCTYPE, c_int
    try:
        CFUNCTYPE(c_int)(0)()
    except ValueError as error:
        print(error)
        return 1
    return 0
"""
    )
    result = run(native("call"), f"open {plugin}", "int loaded", "int look")
    assert result.stdout.startswith("0\ncall of a NULL function pointer")


@pytest.mark.parametrize(
    ("value", "shown"),
    [("b'x'", "x"), ("'é'", "é"), ("None", "NULL"), ("bytearray(b'buffer\\0')", "buffer")],
)
def test_text_results_of_plain_exports(value: str, shown: str, build_plugin, native, run) -> None:
    plugin = build_plugin(f"""
import epy

@epy.export("const char *text(const char *name)")
def text(name):
    return {value}
""")
    result = run(native("call"), f"open {plugin}", "text text x")
    assert result.stdout.strip() == shown
