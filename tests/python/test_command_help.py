"""Finding one's way on the command line: help, completion, near names, the list of functions."""

import os
import re

import pytest

from epy._command.cli import parser
from epy._command.manual import manual

SCRIPT = """
from ctypes import POINTER, Structure, c_char_p, c_int
import epy

class Node(epy.Object):
    pass

class Point(Structure):
    _fields_ = [("x", c_int), ("y", c_int)]

class database(Structure):
    pass

@epy.export("int add(int a, int b)")
def add(a, b):
    return a + b

@epy.export
def moved(point: Point, by: POINTER(Point)) -> Point:
    return Point(point.x + by[0].x, point.y + by[0].y)

@epy.export
def node() -> Node:
    return Node()

@epy.export("size_t each(const uint8_t *data, size_t n, database *db, void (*f)(const char *))")
def each(data, n, db, f):
    return n

epy.export_address("raw", 4096)
epy.export_data("version", c_int(3))
epy.export_data("origin", Point(1, 2))
"""
COMMANDS = [
    *("new", "build", "inspect", "call", "stub", "bundle", "run", "trace", "doctor", "completion"),
]


def test_every_command_is_tried_here():
    (commands,) = (it for it in parser()._actions if it.dest == "command")
    assert list(commands.choices) == COMMANDS


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=str)
def test_help_fits_a_screen_and_has_an_example(epy, command):
    lines = epy(*command, "--help", env={"COLUMNS": "80"}).stdout.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    assert any("example" in line or line.strip().startswith("$ epy") for line in lines)


def test_the_manual_page_has_what_help_says():
    page = manual()
    (commands,) = (it for it in parser()._actions if it.dest == "command")
    for name, command in commands.choices.items():
        assert f'.SS "epy {name}"\n' in page
        for action in command._actions[1:]:
            for option in action.option_strings:
                assert f"\\fB{option}\\fR".replace("-", "\\-") in page
    assert "epy call sums.so add 1 0x10; epy call sums.so" in page
    requests = {"TH", "SH", "SS", "PP", "TP", "B", "nf", "fi", "RS", "RE"}
    found = re.findall(r"^[.'](\w*)", page, re.MULTILINE)
    assert set(found) <= requests


def test_a_command_that_there_is_not(mistake):
    assert mistake("biuld") == "there is no 'biuld'; did you mean build?; see `epy --help`"


def test_call_without_a_function_lists_them(epy, build_plugin):
    assert epy("call", build_plugin(SCRIPT)).stdout.splitlines() == [
        "int add(int a, int b)",
        "struct Point moved(struct Point point, struct Point *by)",
        "Node node(void)",
        "size_t each(const uint8_t *data, size_t n, database *db, void (*f)(const char *))",
    ]


def test_call_of_a_plugin_without_functions(mistake, build_plugin):
    plugin = build_plugin("import epy\nepy.export_address('raw', 4096)\n")
    assert mistake("call", plugin) == (
        f"{plugin}: has no function with a signature; `epy inspect` shows what it has"
    )


HOST = """
#include "plugin.h"

struct Point { int x, y; };

int main(void) {
    struct Point by = {3, 4};
    struct Point at = moved(by, &by);
    printf("%d %d %d %d\\n", add(40, 2), at.x, at.y, version);
    return node() == NULL || each(NULL, 7, NULL, NULL) != 7;
}
"""


@pytest.mark.once("addresses of dropped callbacks, 4,096 of them, keep their error values")
def test_inspect_c_is_a_header_for_hosts(epy, build_plugin, compile_c, run, tmp_path):
    header = epy("inspect", "--c", build_plugin(SCRIPT)).stdout
    (tmp_path / "plugin.h").write_text(header)
    assert "/* raw: an address" in header and "/* struct Point origin; 8 bytes */" in header
    os.rename(tmp_path / "plugin.so", tmp_path / "7 ü.so")
    assert "\n#define _7___H\n" in epy("inspect", "--c", "7 ü.so").stdout
    os.rename(tmp_path / "7 ü.so", tmp_path / "plugin.so")
    strict = ("-std=c99", "-pedantic", "-Wextra", "-Werror")
    host = compile_c(HOST, *strict, "-L.", "-l:plugin.so", "-Wl,-rpath," + str(tmp_path))
    assert run(host).stdout == "42 6 8 3\n"
    (tmp_path / "host.cpp").write_text('#include "plugin.h"\nint main() { return add(1, -1); }\n')
    run("c++", "-Wall", "-Werror", "host.cpp", "-o", "cpp", "-L.", "-l:plugin.so")
    assert run("./cpp", env={"LD_LIBRARY_PATH": "."}).returncode == 0
