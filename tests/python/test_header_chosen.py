"""What a plugin stores of a header: what its script may ask for, or all of it."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import pytest

import epy
from epy import _core, _header
from epy._c.reachable import chosen
from epy._c.terms import CHOSEN, CONST
from epy._command.asked_names import asked_names
from epy._file.plugin import open_plugin
from epy._file.stored_header import names, pack
from epy._modules import Sources

HEADER = """
#define LIMIT 7
#define OTHER 8
#define PREFIX_LIMIT 9
#define twice(x) (both(x) + ((struct inner *)0 == 0))
typedef int status;
typedef struct { struct inner *first; } outer;
struct inner { status value; };
enum kind { FIRST, SECOND };
enum mode { LATER };
status both(int a);
status unused(outer *a);
int read_only(const char *a);
enum mode use(outer *a, const char *b);
typedef int (*visitor)(struct hidden *a);
extern int count;
"""
SCRIPT = f'''
import epy

host = epy.header("""{HEADER}""")

@epy.export("int f(int)")
def f(a):
    return host.LIMIT
'''


def stored(plugin: Path) -> list[str]:
    [(_, index, _)] = open_plugin(plugin)[1].headers
    return names(index)


def is_chosen(plugin: Path) -> bool:
    return CHOSEN in stored(plugin)


def test_a_plugin_has_what_its_script_names_and_what_that_leads_to(build_plugin) -> None:
    plugin = build_plugin(SCRIPT.replace("host.LIMIT", "host.use(None, None)"))
    assert sorted(stored(plugin)) == sorted(
        ["use", "enum mode", "outer", "struct {outer}", "struct inner", "status", CONST, CHOSEN]
    )


def test_a_macro_leads_to_what_its_expression_names(build_plugin) -> None:
    plugin = build_plugin(SCRIPT.replace("host.LIMIT", "host.twice(a)"))
    assert sorted(stored(plugin)) == sorted(
        ["twice", "both", "status", "struct inner", CONST, CHOSEN]
    )


def test_a_running_plugin_finds_what_functions_name(build_plugin, native, run) -> None:
    plugin = build_plugin(
        SCRIPT.replace("host.LIMIT", "host.PREFIX_LIMIT + host.struct.inner(value=a).value")
    )
    assert is_chosen(plugin)
    assert run(native("call"), f"open {plugin}", "int f 4").stdout == "13\n"


PLAIN = {
    "a name of the header's": "host.LIMIT",
    "a tag": "host.struct.inner()",
    "a callback by a literal": 'host.callback("visitor", f)',
    "a function by a literal": 'host.function("both")',
    "an error value by a literal": 'host.callback("visitor", f, error="LIMIT")',
    "an error value of the header's": 'host.callback("visitor", f, error=-host.LIMIT)',
    "all by functions and literals": "host.export_all(both=f)",
    "an assignment": "setter = host.count; setter.value = 1",
}


def words(*modules: str) -> frozenset[str] | None:
    """Of a script of these modules."""
    members = {f"m{at}": (f"m{at}.py", text.encode()) for at, text in enumerate(modules)}
    return asked_names(Sources(members, True))


@pytest.mark.parametrize("use", PLAIN.values(), ids=PLAIN)
def test_plain_uses_choose(use: str) -> None:
    assert {"LIMIT", "f"} <= (words(f"{SCRIPT}\ndef later():\n    {use}\n") or set())


OTHER = {
    "getattr": "getattr(host, a)",
    "hasattr": "hasattr(host, a)",
    "vars": "vars(host)",
    "dir": "dir(host)",
    "globals": 'globals()["host"]',
    "eval": "eval(a)",
    "a module's dictionary": "f.__globals__",
    "sys.modules": "import sys; sys.modules[__name__]",
    "importlib": "from importlib import import_module",
    "an alias of getattr": "from builtins import getattr as get",
    "operator": "from operator import attrgetter",
    "inspect": "import inspect as look",
    "a frame": "import sys; sys._getframe(1)",
    "another name": "other = host",
    "an argument": "print(host)",
    "a result": "return host",
    "a format": 'f"{host}"',
    "a private name": "host._declarations",
    "tags": "host.struct[a]",
    "a tag by another name": "tags = host.struct",
    "a made up callback": "host.callback(a, f)",
    "a made up function": 'host.function(a + "int")',
    "a made up error value": 'host.callback("visitor", f, error=a)',
    "a made up prototype": "host.export(like=a)",
    "arguments by a dictionary": "host.export_all(**a)",
    "arguments by a sequence": "host.callback(*a)",
    "a name that is a function or not": "f = a; host.export_all(both=f)",
    "a method": "make = host.callback",
    "a pattern": 'host.export_missing("both*", error=1)',
    "a header of a function's": 'epy.header("#define X 1")',
    "another way to make one": "make = epy.header",
    "an import by another name": "from epy import header as make",
    "a class's attribute": "a.host",
}


@pytest.mark.parametrize("use", OTHER.values(), ids=OTHER)
def test_other_uses_may_be_of_any_name(use: str) -> None:
    assert words(f"{SCRIPT}\ndef later(a):\n    {use}\n") is None


def test_what_may_be_asked_in_another_way_is_there(build_plugin, native, run) -> None:
    plugin = build_plugin(SCRIPT.replace("host.LIMIT", 'getattr(host, "PREFIX_" + "LIMIT")'))
    assert set(stored(plugin)) >= {"OTHER", "unused", "struct hidden", "FIRST"}
    assert run(native("call"), f"open {plugin}", "int f 4").stdout == "9\n"


def test_words_are_those_of_all_modules_of_a_script() -> None:
    both = words(SCRIPT, "from .m0 import host\ndef g():\n    return host.OTHER\n")
    assert both is not None and {"LIMIT", "OTHER"} <= both
    assert words(SCRIPT, "from .m0 import host\nprint(host)\n") is None
    assert words(SCRIPT, "from .m0 import host as other\n") is None
    assert words(SCRIPT, "from . import m0\nm0.host.OTHER\n") is None


def test_what_a_build_has_asked_for_is_there(build_plugin, native, run) -> None:
    made_up = '""", types={"vis" + "itor": epy.c_void_p}, errors={"sta" + "tus": "OTH" + "ER"})'
    plugin = build_plugin(SCRIPT.replace('""")', made_up))
    assert is_chosen(plugin) and {"visitor", "status", "OTHER"} <= set(stored(plugin))
    assert run(native("call"), f"open {plugin}", "int f 4").stdout == "7\n"


def test_a_name_that_is_not_stored_says_what_to_do(build_plugin, native, run) -> None:
    plugin = build_plugin(f"""{SCRIPT}
@epy.export("const char *why(void)")
def why():
    try:
        return host.LIMITS
    except AttributeError as error:
        return str(error).encode()
""")
    assert is_chosen(plugin)
    assert run(native("call"), f"open {plugin}", "text why").stdout == (
        "the header text declares no name LIMITS: did you mean LIMIT? Or name it in the script: "
        "the plugin has only what that names\n"
    )


def test_an_editable_plugin_has_all(build_plugin, tmp_path: Path) -> None:
    assert "OTHER" in stored(build_plugin(SCRIPT, "--editable"))


@pytest.mark.parametrize("header", ["sqlite3ext.h", "stdio.h", "sys/socket.h"])
def test_each_name_alone_is_what_it_is_among_all(header: str) -> None:
    whole = epy.header(f"#include <{header}>\n")
    find = whole._declarations.find
    count = 0
    for name in whole._all_names():
        if " " in name or name.startswith("__") or find(name)[0] == "?":
            continue
        one = _core.StoredHeader(*pack(chosen(whole._all_names(), find, [name])))
        host = _header.Header(whole._name, one, {}, {}, _core.Kept(), None)
        assert _shown(host, name) == _shown(whole, name)
        count += 1
    assert count > 100


def _shown(host: Any, name: str) -> Any:
    try:
        found = getattr(host, name)
    except epy.Error as error:
        return str(error)
    if isinstance(found, type):
        members = [(it[0], it[1].__name__) for it in getattr(found, "_fields_", ())]
        return found.__name__, ctypes.sizeof(found), members
    return found if isinstance(found, (int, float, bytes, str)) else type(found).__name__
