"""Enums of headers: members of an IntEnum where one has the value, ints elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

import epy

HEADER = """
enum color { red = 1, green, crimson = 1, dark = -3 };
typedef enum { idle, busy = 5 } state;
enum wide { huge = 0x100000000 };
enum __attribute__((packed)) small { low = 200 };
typedef enum color paint(enum color, state);
struct spot {
    enum color color;
    state state : 4;
    enum wide wide;
    enum small small;
    enum color row[2];
    enum color table[2][2];
    union { state inner; int other; };
    paint *next;
    enum color later[];
};
"""

HOST = (
    """
#include <dlfcn.h>
#include <stdio.h>
"""
    + HEADER
    + """
static enum color mix(enum color one, state other) { return one + other; }

int main(int argc, char **argv) {
    setbuf(stdout, NULL);
    void *plugin = dlopen(argv[argc - 1], RTLD_NOW);
    const char *(*show)(signed char, enum color, state, enum wide, enum small, int) =
        dlsym(plugin, "show");
    paint *(*get)(void) = dlsym(plugin, "get");
    const char *(*use)(paint *) = dlsym(plugin, "use");
    enum color (*read)(struct spot *) = dlsym(plugin, "read");
    puts(show(1, green, busy, huge, low, 1));
    puts(show(1, dark, idle | 2, 1, 1, 1));
    printf("%d %d\\n", get()(red, busy), get()(7, idle));
    puts(use(mix));
    struct spot spot = {green, busy, huge, low, {red, 4}, {{dark}, {red, green}}, {busy}, mix};
    int result = read(&spot);
    printf("%d %d %d\\n", result, spot.color, spot.row[1]);
    return 0;
}
"""
)

SCRIPT = f'''
import sys
import epy
host = epy.header("""{HEADER}""")

@host.export("const char *show(signed char, enum color, state, enum wide, enum small, int)")
def show(*values):
    return repr(values).encode()

@host.export("paint *get(void)")
def get():
    return painter

@host.callback("paint")
def painter(one, other):
    if one is host.enum.color.red and other is host.enum.state.busy:
        return host.enum.color.green
    return -3 if one == 7 else 0

@host.export("const char *use(paint *)")
def use(mix):
    return repr((mix(host.red, host.busy), mix(host.enum.color.dark, 5))).encode()

@host.export("enum color read(struct spot *)")
def read(spot):
    print([spot.color, spot.state, spot.wide, spot.small, spot.inner, spot.other], flush=True)
    print(list(spot.row), spot.row[:1], spot.table[1][1], spot.next(2, 1), flush=True)
    spot.color, spot.row = host.enum.color.dark, [2, host.enum.color.red]
    return spot.color
'''


def test_functions_and_structs_have_members_where_one_has_the_value(
    build_plugin, compile_c, run
) -> None:
    host = compile_c(HOST)
    members = "<color.green: 2>, <state.busy: 5>, <wide.huge: 4294967296>, <small.low: 200>"
    assert run(host, build_plugin(SCRIPT)).stdout.splitlines() == [
        f"(1, {members}, 1)",
        "(1, <color.dark: -3>, 2, 1, 1, 1)",
        "2 -3",
        "(6, <color.green: 2>)",
        f"[{members}, <state.busy: 5>, 5]",
        "[<color.red: 1>, 4] [<color.red: 1>] 2 3",
        "-3 -3 1",
    ]


def test_a_plugin_imports_module_enum_with_the_first_enum(build_plugin, native, run) -> None:
    plugin = build_plugin("""
import sys
import epy
host = epy.header(
    "enum color { red }; struct spot { enum color color; }; enum color number(int);"
    "int mixed(enum color, int); int plain(int);"
)
spot = host.struct.spot(color=host.red)

@host.export
def plain(value):
    return "enum" in sys.modules

@host.export
def number(value):
    return "enum" in sys.modules

@host.export
def mixed(color, value):
    return "enum" in sys.modules
""")
    calls = ("int plain 1", "int number 1", "int mixed 0 1")
    assert run(native("call"), f"open {plugin}", *calls).stdout.split() == ["0", "0", "1"]


@pytest.fixture
def host() -> Any:
    return epy.header(HEADER + "enum color painted(enum color); extern enum color current;")


def test_one_enum_has_one_class_whatever_its_name(host: Any) -> None:
    spot = host.spot(state=5)
    assert spot.state is host.enum.state.busy
    other = epy.header("typedef enum tag { one } alias; alias f(void);")
    assert other.enum.tag is other.enum.alias


def test_names_that_python_keeps_for_itself_are_no_members() -> None:
    host = epy.header(
        "enum odd { mro, _x_, __init__, name, value, real, class_ }; struct s { enum odd a; };"
    )
    assert [host.struct.s(a=number).a for number in range(3)] == [0, 1, 2]
    assert [host.struct.s(a=number).a.name for number in range(3, 7)] == [
        *("name", "value", "real", "class_"),
    ]
    assert (host.mro, host._x_) == (0, 1)


def test_values_of_an_enum_are_checked_like_other_integers(host: Any) -> None:
    spot = host.spot()
    with pytest.raises(epy.FieldError, match=r"spot.small is `unsigned char small`: 256"):
        spot.small = 256
    with pytest.raises(
        epy.FieldError, match=r"spot.state is `unsigned int state`: 16 .*it has 4 bits"
    ):
        spot.state = 16
    with pytest.raises(epy.FieldError, match=r"spot.color is `int color`: 'red'"):
        spot.color = "red"
    spot.color = 2**31 - 1  # no member
    assert spot.color == 2**31 - 1


def test_the_type_itself_holds_members(host: Any) -> None:
    one = host.color(host.red)
    assert (one.value, repr(one)) == (host.enum.color.red, "color(<color.red: 1>)")
    pointer = host.callback("void (*)(enum color *, enum color *)", lambda out, other: None)
    many = (type(pointer)._argtypes_[0]._type_ * 2)(1, 9)
    one.value = host.enum.color.green
    assert one.value is host.enum.color.green
    assert [item.value for item in many] == [host.enum.color.red, 9]


def test_an_out_parameter_takes_a_member(build_plugin, compile_c, run) -> None:
    plugin = build_plugin("""
import epy
host = epy.header("enum color { red, green }; int dye(enum color *out);")

@host.export
def dye(out):
    before = out[0], out.contents.value
    out[0] = host.enum.color.green
    return before == (0, 0) and before[0] is before[1] is host.enum.color.red
""")
    host = compile_c("""
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
    int color = 0;
    int (*dye)(int *) = dlsym(dlopen(argv[argc - 1], RTLD_NOW), "dye");
    int result = dye(&color);
    printf("%d %d\\n", result, color);
}
""")
    assert run(host, plugin).stdout == "1 1\n"


def test_functions_of_the_host_take_and_give_members() -> None:
    host = epy.header("enum kind { upper = 65, lower = 97 }; enum kind toupper(enum kind);")
    assert host.toupper(host.enum.kind.lower) is host.enum.kind.upper
    assert host.toupper(98) == 66


def test_annotations_may_name_the_enum_or_an_int(build_plugin, native, run) -> None:
    plugin = build_plugin("""
import epy
from ctypes import c_int, c_uint
host = epy.header("enum color { red, green }; int f(enum color a, enum color b);"
                  "int g(enum color a, enum color b);")

@host.export
def f(a: host.enum.color, b: c_uint) -> int:
    return (type(a) is host.enum.color) * 10 + (type(b) is int)

@host.export
def g(a: host.color, b: int):
    return (type(a) is host.enum.color) * 10 + (type(b) is host.enum.color)
""")
    calls = ("int f 1 1", "int g 1 1")
    assert run(native("call"), f"open {plugin}", *calls).stdout.split() == ["11", "11"]
