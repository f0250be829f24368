"""`epy.reload`: a script runs again in a host that goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from plugin_scripts import AGAIN

FIRST = (
    AGAIN
    + """
@epy.export(error=-5)
def twice(x: c_int) -> c_int:
    return 2 * x
"""
)


@pytest.fixture
def reload(build_plugin, native, run, tmp_path) -> Callable[..., list[str]]:
    """`reload(old, new, *commands)`: the lines that the host `call` prints.

    It loads a plugin built from `old`; where a command is "edit" the script becomes `new`. The
    parts of `error` are on stderr, which is empty without.
    """

    def reload(old: str, new: str, *commands: str, error: tuple[str, ...] = ()) -> list[str]:
        build_plugin(old, "--editable")
        (tmp_path / "new.py").write_text(new)
        steps = ["rename new.py plugin.py" if step == "edit" else step for step in commands]
        result = run(native("call"), "open ./plugin.so", "int start", *steps)
        for part in error:
            assert part in result.stderr
        assert bool(result.stderr) == bool(error), result.stderr
        return result.stdout.splitlines()[1:]

    return reload


def test_the_host_s_pointer_reaches_the_new_code(reload):
    new = FIRST.replace("2 * x", "3 * x")
    commands = ("get twice", "kept 7", "edit", "kept 7", "int again", "kept 7", "int twice 5")
    assert reload(FIRST, new, *commands) == ["14", "14", "1", "21", "15"]


def test_nothing_of_the_old_code_stays(reload):
    probe = """
import builtins, weakref
class Thing: ...
thing = Thing()
builtins.thing = getattr(builtins, "thing", weakref.ref(thing))

@epy.export
def remains() -> c_int:
    return builtins.thing() is not None
"""
    # Who calls `again` is of the old code, and holds it.
    commands = ("int remains", "int again", "int again", "int remains")
    assert reload(FIRST + probe, FIRST + probe, *commands) == ["1", "1", "1", "0"]


def test_a_new_export_can_be_looked_up(reload, tmp_path):
    new = FIRST + "@epy.export\ndef thrice(x: c_int) -> c_int:\n    return 3 * x\n"
    newer = new.replace("3 * x", "30 * x").replace("epy.reload()", "raise SystemExit")
    commands = ("find thrice", "edit", "int again", "int thrice 4")
    assert reload(FIRST, new, *commands)[1:] == ["1", "12"]
    more = (*commands, "get thrice", "rename newer.py plugin.py", "int again", "kept 4")
    script = FIRST.replace(
        "epy.reload()",
        f"""
    import pathlib
    newer = pathlib.Path("newer.py")
    newer.exists() or newer.write_text({newer!r})
    epy.reload()""",
    )
    assert reload(script, new, *more)[1:] == ["1", "12", "1", "120"]


def test_an_export_that_is_gone_gives_its_error_value_and_says_so_once(reload):
    commands = ("get twice", "edit", "int again", "kept 7", "kept 7")
    error = ("epy: export 'twice' was called, which its script does not define any more",)
    assert reload(FIRST, AGAIN, *commands, error=error) == ["1", "-5", "-5"]


def test_an_export_that_comes_back_works_again(reload, tmp_path):
    (tmp_path / "third.py").write_text(FIRST)
    commands = ("edit", "int again", "rename third.py plugin.py", "int again", "int twice 7")
    assert reload(FIRST, AGAIN, *commands) == ["1", "1", "14"]


@pytest.mark.parametrize(
    ("new", "now"),
    [
        (FIRST.replace("(x: c_int) -> c_int", "(x: c_void_p) -> c_int"), "int twice(void *)"),
        (
            FIRST.replace("(x: c_int) -> c_int:", "(x: c_int, y: c_int) -> c_int:"),
            "int twice(int, int)",
        ),
        (AGAIN + "epy.export_data('twice', c_int(3))", "int twice"),
    ],
)
def test_a_changed_signature_is_refused_and_the_old_code_stays(reload, new, now):
    error = ("ReloadError: 'twice' was 'int twice(int)' and is", f"'{now}'")
    if "export_data" in new:
        error = ("'twice'",)
    commands = ("edit", "int again", "int twice 5", "find twice")
    assert reload(FIRST, new, *commands, error=error)[:2] == ["-1", "10"]


@pytest.mark.parametrize("broken", ["1 / 0\n", "this is no Python\n", "del epy\nepy\n"])
def test_a_script_that_fails_is_reported_and_the_old_code_stays(reload, broken, tmp_path):
    (tmp_path / "third.py").write_text(FIRST.replace("2 * x", "4 * x"))
    commands = ("edit", "int again", "int twice 5")
    later = ("rename third.py plugin.py", "int again", "int twice 5")
    new = FIRST.replace("2 * x", "3 * x") + broken
    error = ("exception in export 'again'", "plugin.py")
    assert reload(FIRST, new, *commands, *later, error=error) == ["-1", "10", "1", "20"]


def test_the_new_code_takes_over_what_it_wants_of_the_old(reload):
    state = """
count = 0

@epy.export
def count_up() -> c_int:
    global count
    count += STEP
    return count
"""
    take = """
@epy.on_reload
def take_over(old):
    global count
    count = old.count
"""
    old = FIRST + state.replace("STEP", "1")
    new = FIRST + state.replace("STEP", "10")
    commands = ("int count_up", "int count_up", "edit", "int again", "int count_up")
    assert reload(old, new, *commands) == ["1", "2", "1", "10"]
    assert reload(old, new + take, *commands) == ["1", "2", "1", "12"]


def test_a_failing_on_reload_keeps_the_old_code(reload):
    new = FIRST.replace("2 * x", "3 * x") + "@epy.on_reload\ndef fail(old):\n    1 / 0\n"
    commands = ("edit", "int again", "int twice 5")
    assert reload(FIRST, new, *commands, error=("ZeroDivisionError",)) == ["-1", "10"]


def test_only_the_new_on_unload_runs(reload):
    hook = "@epy.on_unload\ndef bye():\n    print('WHO', flush=True)\n"
    old, new = (FIRST + hook.replace("WHO", who) for who in ("old", "new"))
    assert reload(old, new, "edit", "int again", "close") == ["1", "new"]


def test_the_old_on_unload_runs_after_a_failed_reload(reload):
    hook = "@epy.on_unload\ndef bye():\n    print('WHO', flush=True)\n"
    old, new = (FIRST + hook.replace("WHO", who) for who in ("old", "new"))
    commands = ("edit", "int again", "close")
    assert reload(old, new + "1 / 0\n", *commands, error=("ZeroDivision",)) == ["-1", "old"]


@pytest.mark.parametrize("follows", [True, False])
def test_objects_of_handles_get_the_new_class_if_that_says_so(reload, follows):
    script = (
        AGAIN
        + f"""
class Synth(epy.Object, reload={follows}):
    def __init__(self):
        self.rate = 4
    def value(self):
        return self.rate * 1

@epy.export
def make() -> Synth:
    return Synth()

@epy.export("int use(void *synth)", error=-1)
def use(address):
    return next(iter(held)).value()
"""
    )
    script = script.replace('("int use(void *synth)", error=-1)', "(error=-1)").replace(
        "def use(address):\n    return next(iter(held)).value()",
        "def use() -> c_int:\n    return kept[0].value()",
    )
    script = script.replace(
        "    return Synth()\n", "    kept.append(Synth())\n    return kept[0]\n"
    )
    script += """
kept = []

@epy.on_reload
def keep(old):
    kept.extend(old.kept)
"""
    new = script.replace("self.rate * 1", "self.rate * 100")
    commands = ("int make", "int use", "edit", "int again", "int use")
    assert reload(script, new, *commands)[1:] == ["4", "1", "400" if follows else "4"]


def test_exported_data_keeps_its_memory_and_its_value(reload):
    data = """
value = epy.export_data("value", c_int(5))

@epy.export
def read() -> c_int:
    value.value += STEP
    return value.value
"""
    for late in (False, True):
        old = FIRST + data.replace("STEP", "1")
        if late:
            old = old.replace("value = epy", "value = epy.building and c_int() or epy")
        new = FIRST + data.replace("STEP", "10")
        commands = ("int read", "edit", "int again", "int read", "int read")
        assert reload(old, new, *commands) == ["6", "1", "16", "26"]


def test_a_hundred_reloads_do_not_grow_the_process(reload):
    grow = """
ballast = bytearray(300_000)

def memory():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4

@epy.export
def growth() -> c_int:
    for _ in range(30):
        epy.reload()
    before = memory()
    for _ in range(100):
        epy.reload()
    return memory() - before
"""
    grown = reload(FIRST + grow, FIRST + grow, "int growth")
    assert int(grown[0]) < 8 * 1024  # KB; each script would keep 300


def test_a_plugin_that_holds_its_script_cannot(build_plugin, native, run):
    build_plugin(FIRST)
    result = run(native("call"), "open ./plugin.so", "int again")
    assert result.stdout == "-1\n"
    assert "holds its script: build it with `epy build --reload`" in result.stderr


def test_a_script_beside_the_bare_stub_can_be_reloaded(epy, native, run, tmp_path):
    epy("stub", "-o", "plugin.so")
    (tmp_path / "plugin.py").write_text(FIRST)
    new = FIRST.replace("2 * x", "3 * x") + "@epy.export\ndef more() -> c_int:\n    return 8\n"
    (tmp_path / "new.py").write_text(new)
    result = run(
        *(native("call"), "open ./plugin.so", "get twice", "kept 5", "rename new.py plugin.py"),
        *("int again", "kept 5", "int more"),
    )
    assert (result.stdout.split(), result.stderr) == (["10", "1", "15", "8"], "")


@pytest.mark.parametrize("waits", [False, True])
def test_an_unload_during_a_reload(build_plugin, native, run, tmp_path, waits):
    """It waits for a while; then it goes on, and the reload finds that all is gone."""
    build_plugin(FIRST, "--editable")
    pause = "import os, time\nwhile not os.path.exists('go'):\n    time.sleep(0.01)\n"
    new = (
        FIRST
        + "import os, time\nepy.on_unload(lambda: open('go', 'w').close())\n"
        + "open('begun', 'w').close()\n"
        + (pause if waits else "time.sleep(0.1)\n")
        + "print('ran', flush=True)\n"
    )
    (tmp_path / "new.py").write_text(new)
    build_plugin(
        """
import epy, sys

@epy.export("int remains(void)")
def remains():
    import gc, time
    for _ in range(1000):
        gc.collect()
        found = sum(name.startswith("plugin@") for name in sys.modules)
        if not found:
            break
        time.sleep(0.01)
    return found
""",
        name="other",
    )
    result = run(
        *(native("call"), "open ./plugin.so", "int start", "rename new.py plugin.py"),
        *("open ./other.so", "together int 0:again | await begun close 0"),
        "int 1:remains",
    )
    lines = result.stdout.split()
    assert (lines[0], lines[-1], "ran" in lines) == ("0", "0", True), result.stdout + result.stderr
    assert "was unloaded meanwhile" in result.stderr


def test_calls_go_on_while_a_script_is_reloaded(build_plugin, compile_c, run):
    """Also those that are under way in the old code."""
    script = (
        FIRST
        + """
import time

@epy.export
def slow() -> c_int:
    time.sleep(0.002)
    return 3
"""
    )
    plugin = build_plugin(script, "--editable")
    host = compile_c(
        r"""
        #include <dlfcn.h>
        #include <pthread.h>
        #include <stdatomic.h>
        #include <stdio.h>

        static atomic_int over, wrong;
        static int (*twice)(int), (*slow)(void), (*again)(void);

        static void *call(void *unused) {
            while (!over) {
                wrong += twice(4) != 8;
                wrong += slow() != 3;
            }
            return unused;
        }

        int main(int argc, char **argv) {
            void *plugin = dlopen(argv[argc - 1], RTLD_NOW);
            twice = (int (*)(int))dlsym(plugin, "twice");
            slow = (int (*)(void))dlsym(plugin, "slow");
            again = (int (*)(void))dlsym(plugin, "again");
            pthread_t threads[4];
            twice(1);
            for (int i = 0; i < 4; ++i)
                pthread_create(&threads[i], NULL, call, NULL);
            for (int i = 0; i < 50; ++i)
                wrong += again() != 1;
            over = 1;
            for (int i = 0; i < 4; ++i)
                pthread_join(threads[i], NULL);
            printf("%d\n", wrong);
        }
        """,
        "-pthread",
    )
    result = run(host, plugin)
    assert (result.stdout, result.stderr) == ("0\n", "")
