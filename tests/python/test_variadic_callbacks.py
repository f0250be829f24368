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
        "format text keeps its %"
    ]
    result = run(compile_c(HOST))
    assert result.stdout == "1 2 %d %s -1"
    assert result.stderr.count("expecting() takes *values, but of") == 1
    assert "only the 2 named arguments reach Python, not the values for `...`" in result.stderr


def test_values_that_would_be_empty_are_refused_at_build(tmp_path: Any, mistake: Any) -> None:
    (tmp_path / "script.py").write_text(
        SCRIPT.replace(
            "ready = host.struct.callback(log=log)", "ready = host.struct.callback(log=expecting)"
        )
    )
    message = mistake("build", tmp_path / "script.py")
    assert "expecting() takes *values, but of `void (*)(int, char *, ...)` only" in message
    assert message.count("name 2 parameters") == 1


def test_a_wrapper_counts_as_what_it_wraps(epy: Any, tmp_path: Any) -> None:
    (tmp_path / "script.py").write_text(
        SCRIPT.replace(
            "ready = host.struct.callback(log=log)",
            "import functools\n"
            "ready = host.struct.callback(log=functools.wraps(log)(lambda *all: log(*all)))",
        )
    )
    assert epy("build", tmp_path / "script.py").stderr.count("log() is called as") == 1
