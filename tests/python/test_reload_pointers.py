"""Function pointers that the host took long ago reach the code of a reload."""

from __future__ import annotations

import pytest
from plugin_scripts import AGAIN, GET

CALLBACKS = (
    AGAIN
    + """
class Table(Structure):
    _fields_ = [(name, CFUNCTYPE(c_int, c_int)) for name in ("named", "first", "second")]

@epy.callback("int (*)(int)")
def named(x):
    return 10 * x

table = Table(named, epy.callback("int (*)(int)", lambda x: 20 * x),
              epy.callback("int (*)(int)", lambda x: 30 * x))

@epy.export
def get_table() -> POINTER(Table):
    return table
"""
)
TABLE_HOST = r"""
#include <dlfcn.h>
#include <stdio.h>

typedef int function(int);
struct table { function *named, *first, *second; };

int main(void) {
    void *plugin = dlopen("./plugin.so", RTLD_NOW);
    struct table *(*get_table)(void) = (struct table *(*)(void))dlsym(plugin, "get_table");
    int (*again)(void) = (int (*)(void))dlsym(plugin, "again");
    struct table *table = get_table();
    function *named = table->named;
    printf("%d %d %d\n", named(1), table->first(1), table->second(1));
    rename("new.py", "plugin.py");
    printf("%d\n", again());
    printf("%d %d %d\n", named(1), table->first(1), table->second(1));
    printf("%d\n", get_table()->named(1));
    printf("%d %d %d\n", named(1), table->first(1), table->second(1));
}
"""


@pytest.fixture
def after_a_reload(build_plugin, compile_c, run, tmp_path):
    """`after_a_reload(more)`: what the host of the table says, also after new code."""

    def after_a_reload(more: str) -> list[str]:
        build_plugin(CALLBACKS, "--editable")
        (tmp_path / "new.py").write_text(CALLBACKS.replace("0 * x", "00 * x") + more)
        result = run(compile_c(TABLE_HOST))
        assert result.stderr == ""
        return result.stdout.splitlines()

    return after_a_reload


def test_callbacks_in_a_struct_that_the_host_holds_reach_the_new_code(after_a_reload):
    """Also after many others were made and dropped, whose memory they would share."""
    said = after_a_reload("for _ in range(5000):\n    epy.callback('int (*)(int)', abs)\n")
    assert said == ["10 20 30", "1", "100 200 300", "100", "100 200 300"]


def test_a_callback_that_the_host_was_handed_in_a_call_reaches_the_new_code(
    build_plugin, compile_c, run, tmp_path
):
    build_plugin(GET, "--editable")
    (tmp_path / "new.py").write_text(GET.replace("x + 1", "x + 2"))
    host = compile_c(r"""
        #include <dlfcn.h>
        #include <stdio.h>

        int main(void) {
            void *plugin = dlopen("./plugin.so", RTLD_NOW);
            typedef int function(int);
            function *act = ((function * (*)(void)) dlsym(plugin, "get"))();
            printf("%d ", act(1));
            rename("new.py", "plugin.py");
            int done = ((int (*)(void))dlsym(plugin, "again"))();
            printf("%d %d\n", done, act(1));
        }
    """)
    result = run(host)
    assert (result.stdout, result.stderr) == ("2 1 3\n", "")


EFFECT = (
    AGAIN
    + """
api = epy.header('''
struct effect { const char *name; int (*run)(int); int (*stop)(void); };
struct effect *get_effect(int index);
''')

def run(x):
    return 2 * x

effect = api.effect(name="first", run=run, stop=lambda: 7)

@api.export
def get_effect(index):
    return effect if index == 0 else None
"""
)


def test_the_host_s_descriptor_of_a_header_reaches_the_new_code(
    build_plugin, compile_c, run, tmp_path
):
    build_plugin(EFFECT, "--editable")
    new = EFFECT.replace("2 * x", "3 * x").replace("7", "8").replace('"first"', '"second"')
    (tmp_path / "new.py").write_text(new)
    host = compile_c(r"""
        #include <dlfcn.h>
        #include <stdio.h>

        struct effect { const char *name; int (*run)(int); int (*stop)(void); };

        int main(void) {
            void *plugin = dlopen("./plugin.so", RTLD_NOW);
            struct effect *(*get)(int) = (struct effect * (*)(int)) dlsym(plugin, "get_effect");
            int (*again)(void) = (int (*)(void))dlsym(plugin, "again");
            struct effect *effect = get(0);
            get(1);
            for (int i = 0; i < 3; ++i) {
                printf("%s %d %d\n", effect->name, effect->run(5), effect->stop());
                rename("new.py", "plugin.py");
                again();
                get(1);
            }
            printf("%s\n", get(0)->name);
        }
    """)
    result = run(host)
    assert result.stdout.splitlines() == ["first 10 7", "first 15 8", "first 15 8", "second"]
    assert result.stderr == ""


def test_callbacks_in_exported_data_reach_the_new_code(build_plugin, compile_c, run, tmp_path):
    script = CALLBACKS.replace("table = Table(", 'table = epy.export_data("table", Table(').replace(
        "30 * x))", "30 * x)))"
    )
    build_plugin(script, "--editable")
    (tmp_path / "new.py").write_text(script.replace("0 * x", "00 * x"))
    host = TABLE_HOST.replace("get_table();", 'dlsym(plugin, "table");', 1)
    result = run(compile_c(host))
    assert (result.stdout.splitlines(), result.stderr) == (
        ["10 20 30", "1", "100 200 300", "100", "100 200 300"],
        "",
    )


def test_a_callback_without_a_successor_keeps_the_old_code(after_a_reload):
    """A lambda more: which of the new ones is meant cannot be told."""
    said = after_a_reload("more = epy.callback('int (*)(int)', lambda x: 0)\n")
    assert said == ["10 20 30", "1", "100 20 30", "100", "100 20 30"]


def test_callables_that_the_host_compares_keep_their_address(
    build_plugin, compile_c, run, tmp_path
):
    build_plugin(GET, "--editable")
    (tmp_path / "new.py").write_text(GET.replace("x + 1", "x + 2"))
    host = compile_c(r"""
        #include <dlfcn.h>
        #include <stdio.h>

        int main(void) {
            void *plugin = dlopen("./plugin.so", RTLD_NOW);
            typedef int function(int);
            function *(*get)(void) = (function * (*)(void)) dlsym(plugin, "get");
            function *act = get();
            rename("new.py", "plugin.py");
            ((int (*)(void))dlsym(plugin, "again"))();
            printf("%d %d\n", act == get(), act(1));
        }
    """)
    assert run(host).stdout == "1 3\n"
