"""The tables of format units of "Parsing arguments and building values", both ways, from C."""

from __future__ import annotations

import pytest

SCRIPT = """
import epy

@epy.export("int anything(void)")
def anything():
    return 0

def show(value):
    return repr(value)
"""

# What C builds, with which arguments, and what Python sees: the table of Py_BuildValue.
BUILT = [
    ('""', "None"),
    ('"i", 123', "123"),
    ('"iii", 123, 456, 789', "(123, 456, 789)"),
    ('"s", "hello"', "'hello'"),
    ('"y", "hello"', "b'hello'"),
    ('"ss", "hello", "world"', "('hello', 'world')"),
    ('"s#", "hello", (ptrdiff_t)4', "'hell'"),
    ('"y#", "hello", (ptrdiff_t)4', "b'hell'"),
    ('"()"', "()"),
    ('"(i)", 123', "(123,)"),
    ('"(ii)", 123, 456', "(123, 456)"),
    ('"(i,i)", 123, 456', "(123, 456)"),
    ('"[i,i]", 123, 456', "[123, 456]"),
    ('"{s:i,s:i}", "abc", 123, "def", 456', "{'abc': 123, 'def': 456}"),
    ('"((ii)(ii)) (ii)", 1, 2, 3, 4, 5, 6', "(((1, 2), (3, 4)), (5, 6))"),
    ('"bBhHiI", -1, 255, -2, 65535, -3, 4000000000u', "(-1, 255, -2, 65535, -3, 4000000000)"),
    ('"lkLKn", -1L, ~0UL, -1LL, ~0ULL, (ptrdiff_t)-9', f"(-1, {2**64 - 1}, -1, {2**64 - 1}, -9)"),
    ('"fd", 0.5f, 0.25', "(0.5, 0.25)"),
    ('"cC", 97, 0x20ac', "(b'a', '€')"),
    ('"pp", 0, 5', "(False, True)"),
    ('"z", NULL', "None"),
    ('"u", L"wide"', "'wide'"),
    ('"u#", L"wide", (ptrdiff_t)2', "'wi'"),
]

# What Python has, which unit C asks for, the C type, and what C prints: that of PyArg_ParseTuple.
PARSED = [
    ('"i", 200', "b", "unsigned char", "%d", "200"),
    ('"i", 300', "B", "unsigned char", "%d", "44"),
    ('"i", -300', "h", "short", "%d", "-300"),
    ('"i", 70000', "H", "unsigned short", "%d", "4464"),
    ('"i", -5', "i", "int", "%d", "-5"),
    ('"L", 4294967297LL', "I", "unsigned", "%u", "1"),
    ('"l", -7L', "l", "long", "%ld", "-7"),
    ('"l", -1L', "k", "unsigned long", "%lx", "f" * 16),
    ('"l", -8L', "L", "long long", "%lld", "-8"),
    ('"l", -1L', "K", "unsigned long long", "%llx", "f" * 16),
    ('"i", 9', "n", "ptrdiff_t", "%td", "9"),
    ('"y", "q"', "c", "char", "%c", "q"),
    ('"C", 0xe9', "C", "int", "%x", "e9"),
    ('"d", 1.5', "f", "float", "%.2f", "1.50"),
    ('"d", 2.5', "d", "double", "%.2f", "2.50"),
    ('"s", "text"', "s", "const char *", "%s", "text"),
    ('"y", "bytes"', "y", "const char *", "%s", "bytes"),
    ('"s", "text"', "z", "const char *", "%s", "text"),
    ('"[i]", 1', "p", "int", "%d", "1"),
    ('"[]"', "p", "int", "%d", "0"),
]

REFUSED = [
    ('"i", 300', "b", "unsigned char", "OverflowError"),
    ('"i", 70000', "h", "short", "OverflowError"),
    ('"L", 4294967297LL', "i", "int", "OverflowError"),
    ('"d", 1.5', "i", "int", "TypeError"),
    ('"s", "x"', "d", "double", "TypeError"),
    ('"s#", "a\\0b", (ptrdiff_t)3', "s", "const char *", "ValueError"),
    ('"i", 1', "s", "const char *", "TypeError"),
]

HOST = """
#include <epy.h>
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <wchar.h>

static epy_plugin *plugin;

static void show(epy_object *value) {
    epy_object *text = epy_call(plugin, "show", "(N)", value);
    const char *line;
    if (text == NULL) puts(epy_last_error());
    assert(text != NULL && epy_parse(text, "s", &line) == 0);
    puts(line);
    epy_object_release(text);
}

int main(int argc, char **argv) {
    epy_object *value;
    plugin = epy_plugin_of(dlopen(argv[argc - 1], RTLD_NOW));
    assert(epy_start(plugin) == 0);
    (void)show, (void)value;
    %s
    return 0;
}
"""


@pytest.fixture
def played(build_plugin, epy_host, run):
    def played(body):
        host = epy_host(HOST % body)
        return run(host, build_plugin(SCRIPT)).stdout.splitlines()

    return played


def test_the_table_of_values_that_are_built(played):
    lines = played("\n".join(f"show(epy_build({call}));" for call, _ in BUILT))
    assert lines == [shown for _, shown in BUILT]


def test_objects_borrowed_and_stolen(played):
    lines = played(
        """
        value = epy_build("[]");
        show(epy_build("(OO)", value, value));
        assert(epy_object_refcount(value) == 1);
        show(epy_build("{s:N}", "a", value));
        assert(epy_object_refcount(value) == 0);
        value = epy_build("[]");
        assert(epy_build("(iN", 1, value) == NULL && epy_object_refcount(value) == 0);
        """
    )
    assert lines == ["([], [])", "{'a': []}"]


def test_the_table_of_units_that_are_parsed(played):
    lines = played(
        "\n".join(
            f"{{ {ctype} place = 0; value = epy_build({call}); assert(value != NULL);"
            f'assert(epy_parse(value, "{unit}", &place) == 0); printf("{form}\\n", place);'
            "epy_object_release(value); }"
            for call, unit, ctype, form, _ in PARSED
        )
    )
    assert lines == [printed for *_, printed in PARSED]


def test_what_does_not_fit_is_the_error_that_the_manual_names(played):
    lines = played(
        "\n".join(
            f"{{ {ctype} place = 0; value = epy_build({call}); assert(value != NULL);"
            f'assert(epy_parse(value, "{unit}", &place) == -1);'
            "puts(epy_last_error_info()->type); epy_object_release(value); }"
            for call, unit, ctype, _ in REFUSED
        )
    )
    assert lines == [kind for *_, kind in REFUSED]


def test_tuples_options_and_lengths(played):
    """1.7: the manual's calls of PyArg_ParseTuple."""
    lines = played(
        """
        const char *file = "", *mode = "r", *text;
        int left = 0, top = 0, right = 0, bottom = 0, h = 0, v = 0, size = 0;
        ptrdiff_t length = 0;
        epy_object *held = NULL;
        value = epy_build("s", "spam");
        assert(epy_parse(value, "s|si", &file, &mode, &size) == -1);
        epy_object_release(value);
        value = epy_build("(s)", "spam");
        assert(epy_parse(value, "s|si", &file, &mode, &size) == 0);
        printf("%s %s %d\\n", file, mode, size);
        epy_object_release(value);
        value = epy_build("(ssi)", "spam", "w", 100000);
        assert(epy_parse(value, "s|si:open", &file, &mode, &size) == 0);
        printf("%s %s %d\\n", file, mode, size);
        epy_object_release(value);
        value = epy_build("(((ii)(ii))(ii))", 0, 0, 400, 300, 10, 11);
        assert(epy_parse(value, "((ii)(ii))(ii)", &left, &top, &right, &bottom, &h, &v) == 0);
        printf("%d %d %d %d %d %d\\n", left, top, right, bottom, h, v);
        assert(epy_parse(value, "ii", &h, &v) == -1 && epy_error_matches("TypeError"));
        epy_object_release(value);
        value = epy_build("(y#[])", "a\\0b", (ptrdiff_t)3);
        assert(epy_parse(value, "y#O", &text, &length, &held) == 0);
        printf("%td %d\\n", length, text[2]);
        epy_object_release(value);
        show(held);
        """
    )
    assert lines == ["spam r 0", "spam w 100000", "0 0 400 300 10 11", "3 98", "[]"]
