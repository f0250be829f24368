"""A Python function for a variadic function pointer: what is lost is said, never silently."""

from __future__ import annotations

from typing import Any

SCRIPT = """
import epy

host = epy.header('''
struct callback { void (*log)(int level, const char *format, ...); };
int environment(struct callback *data);
int later(struct callback *data);
const char *text(void);
''')
lines = []

def log(level, format):
    lines.append(b"%d " % level + format)

def expecting(level, format, *values):
    lines.append(format % values)

ready = host.struct.callback(log=log)

@host.export(error=-1)
def environment(data):
    data.log = log
    return 1

@host.export(error=-1)
def later(data):
    data.log = expecting
    return 1

@host.export
def text():
    return b"|".join(lines)
"""

HOST = """
#include <dlfcn.h>
#include <stdio.h>
struct callback { void (*log)(int, const char *, ...); };
int main(void) {
    void *plugin = dlopen("./plugin.so", RTLD_NOW);
    struct callback c = {0};
    printf("%d ", ((int (*)(void *))dlsym(plugin, "environment"))(&c));
    c.log(2, "%d %s", 42, "x");
    printf("%s ", ((const char *(*)(void))dlsym(plugin, "text"))());
    printf("%d", ((int (*)(void *))dlsym(plugin, "later"))(&c));
}
"""


def test_the_build_says_once_what_does_not_arrive(
    epy: Any, run: Any, compile_c: Any, tmp_path: Any
) -> None:
    (tmp_path / "plugin.py").write_text(SCRIPT)
    built = epy("build", tmp_path / "plugin.py").stderr.splitlines()
    assert built == [
        f"epy: {tmp_path}/plugin.py:12: log() is called as `void (*)(int, char *, ...)`: it "
        "gets the 2 named arguments; the values that C passes for `...` do not reach Python, so a "
        "format text keeps its %; give it *values if the last named argument is a printf format"
    ]
    result = run(compile_c(HOST))
    assert (result.stdout, result.stderr) == ("1 2 %d %s 1", "")


VALUES = """
import epy

host = epy.header('''
struct callback { void (*log)(int level, const char *format, ...); };
typedef int (*logger)(double, const char *format, ...);
typedef int (*detail)(int, int, int, long double, int, int, int, int, const char *, ...);
void fill(struct callback *data);
logger typed(void);
detail detailed(void);
const char *text(void);
''')
lines = []

def log(level, format, *values):
    lines.append(repr(values))

@host.export
def fill(data):
    data.log = log

@host.callback("logger", error=-1)
def typed_logger(first, format, *values):
    lines.append(repr((first, *values)))
    return len(values)

@host.export
def typed():
    return typed_logger

@host.callback("detail", error=-1)
def detailed_logger(*values):
    lines.append(repr(values))
    return len(values)

@host.export
def detailed():
    return detailed_logger

@host.export
def text():
    found = b"|".join(line.encode() for line in lines)
    lines.clear()
    return found
"""

VALUES_HOST = """
#include <dlfcn.h>
#include <stdio.h>
#include <wchar.h>
struct callback { void (*log)(int, const char *, ...); };
typedef int (*logger)(double, const char *, ...);
typedef int (*detailed)(int, int, int, long double, int, int, int, int, const char *, ...);
int main(void) {
    void *plugin = dlopen("./plugin.so", RTLD_NOW);
    const char *(*text)(void) = (const char *(*)(void))dlsym(plugin, "text");
    struct callback c = {0};
    ((void (*)(void *))dlsym(plugin, "fill"))(&c);
    c.log(1, "plain");
    c.log(1, "%d %s %%", -42, "x");
    c.log(1, "%g %5.2f", 1.5, -0.25);
    puts(text());
    c.log(1, "%hhd %hu %u %ld %zu %llx %c", -1, 65535, 4000000000u, -5000000000L,
          (size_t)7, 1ULL << 63, 'A');
    c.log(1, "%*d %.*s %ls %s", 5, 6, 2, "abc", L"w\\u20ac", (char *)NULL);
    puts(text());
    c.log(1, "%d%g%d%g%d%g%d%g%d%g%d%g%d%g%d%g%d%g%g", 1, .1, 2, .2, 3, .3, 4, .4, 5, .5,
          6, .6, 7, .7, 8, .8, 9, .9, 1.25);
    puts(text());
    c.log(1, "%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%s%hd", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
          11, 12, 13, 14, 15, 16, 17, 18, 19, 20, "end", 21);
    puts(text());
    c.log(1, "%Lf %s %Lg %m %LE", 0.5L, "x", -2.0L, 1e300L);
    c.log(1, "%d%d%d%d%d%Lf%d%d%Lf%g%Lg", 1, 2, 3, 4, 5, .25L, 6, 7, .5L, .75, 1.L);
    puts(text());
    logger typed = ((logger (*)(void))dlsym(plugin, "typed"))();
    printf("%d ", typed(0.5, "%d %g", 7, 2.5));
    puts(text());
    detailed detail = ((detailed (*)(void))dlsym(plugin, "detailed"))();
    printf("%d ", detail(1, 2, 3, .5L, 4, 5, 6, 7, "%s%Lf%d", "x", .75L, 8));
    puts(text());
    printf("%d ", typed(0.5, "%y", 1));
    printf("%d ", typed(0.5, "%2$d %1$d", 1, 2));
    printf("%d\\n", typed(0.5, "100%"));
}
"""


def test_values_behind_a_printf_format_reach_a_function_that_takes_them(
    build_plugin: Any, run: Any, compile_c: Any
) -> None:
    build_plugin(VALUES)
    result = run(compile_c(VALUES_HOST))
    lines = result.stdout.splitlines()
    assert lines == [
        "()|(-42, b'x')|(1.5, -0.25)",
        "(-1, 65535, 4000000000, -5000000000, 7, 9223372036854775808, b'A')"
        "|(5, 6, 2, b'ab', 'w\u20ac', None)",
        "(1, 0.1, 2, 0.2, 3, 0.3, 4, 0.4, 5, 0.5, 6, 0.6, 7, 0.7, 8, 0.8, 9, 0.9, 1.25)",
        f"({', '.join(map(str, range(1, 21)))}, b'end', 21)",
        "(0.5, b'x', -2.0, 1e+300)|(1, 2, 3, 4, 5, 0.25, 6, 7, 0.5, 0.75, 1.0)",
        "2 (0.5, 7, 2.5)",
        "12 (1, 2, 3, 0.5, 4, 5, 6, 7, b'%s%Lf%d', b'x', 0.75, 8)",
        "-1 -1 -1",
    ]
    said = [line for line in result.stderr.splitlines() if "ValueError" in line]
    assert said == [
        f"ValueError: {directive} in a format of C: its value cannot be taken"
        for directive in ("b'%y'", "b'%2$d '", "b'%'")
    ]


def test_values_without_a_format_are_refused_at_build(tmp_path: Any, mistake: Any) -> None:
    (tmp_path / "script.py").write_text(
        VALUES.replace("int level, const char *format, ...", "const char *format, int level, ...")
        .replace(
            "def fill(data):", "def fill(data):\n    pass\nready = host.struct.callback(log=log)"
        )
        .replace("    data.log = log\n", "")
    )
    message = mistake("build", tmp_path / "script.py")
    assert "log() takes *values, which are found by a printf format" in message


def test_a_wrapper_counts_as_what_it_wraps(epy: Any, tmp_path: Any) -> None:
    (tmp_path / "script.py").write_text(
        SCRIPT.replace(
            "ready = host.struct.callback(log=log)",
            "import functools\n"
            "ready = host.struct.callback(log=functools.wraps(log)(lambda *all: log(*all)))",
        )
    )
    assert epy("build", tmp_path / "script.py").stderr.count("log() is called as") == 1
