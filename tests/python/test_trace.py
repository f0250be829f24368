"""`epy trace`: a timeline of what a host called."""

import json

import pytest

SCRIPT = """
import epy
from ctypes import CFUNCTYPE, POINTER, c_int

@epy.export("int add(int, int)", error=-1)
def add(a, b):
    if b < 0:
        raise ValueError("nothing below 0")
    return a + b

@epy.export
def first(values: POINTER(c_int)) -> c_int:
    return values[0]

@epy.export
def each(count: c_int, function: CFUNCTYPE(c_int, c_int)) -> c_int:
    return sum(function(i) for i in range(count))
"""
HOST = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void *plugin;

static void *work(void *unused) {
    (void)unused;
    pthread_setname_np(pthread_self(), "worker");
    int (*add)(int, int) = (int (*)(int, int))dlsym(plugin, "add");
    for (int i = 0; i < 100; i++)
        add(i, i);
    return NULL;
}

int main(int argc, char **argv) {
    plugin = dlopen(argv[argc - 1], RTLD_NOW);
    int (*add)(int, int) = (int (*)(int, int))dlsym(plugin, "add");
    int (*first)(int *) = (int (*)(int *))dlsym(plugin, "first");
    int value = 5;
    int sum = add(40, 2), error = add(1, -1);
    printf("%d %d %d\\n", sum, error, first(&value));
    fflush(stdout);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(threads + i, NULL, work, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    if (fork() == 0)
        _exit(add(3, 4) != 7);
    int status = 1;
    wait(&status);
    return status ? 1 : 3;
}
"""


@pytest.fixture
def traced(epy, build_plugin, compile_c, tmp_path):
    """What `epy trace` of this host prints, and its events."""
    plugin, host = build_plugin(SCRIPT), compile_c(HOST, "-ldl", "-lpthread")
    result = epy("trace", plugin, "--", host, "{}", status=3)
    return result, json.loads((tmp_path / "trace.json").read_text())["traceEvents"]


def test_every_call_is_an_event(traced):
    _, events = traced
    calls = [event for event in events if event["name"] == "export 'add'"]
    assert len(calls) == 203
    assert len({(event["pid"], event["tid"]) for event in calls}) == 4
    assert all(event["ph"] == "X" and event["dur"] > 0 for event in calls)
    assert calls[0]["args"]["arguments"] == ["40", "2"]
    assert calls[1]["args"]["error"] == "ValueError: nothing below 0"
    (pointer,) = (event for event in events if event["name"] == "export 'first'")
    assert pointer["args"]["arguments"][0].startswith("c_int * 0x")
    assert [event["args"]["state"] for event in events if event["name"] == "start"] == ["ready"]


def test_threads_have_the_host_s_names(traced):
    _, events = traced
    names = [event["args"]["name"] for event in events if event["name"] == "thread_name"]
    assert sorted(names) == ["host", "host", "worker", "worker"]


def test_the_summary_counts_and_the_host_s_output_stays_its_own(traced):
    result, _ = traced
    assert result.stdout == "42 -1 5\n"
    lines = result.stderr.splitlines()
    assert lines[-1] == "trace.json: open it with ui.perfetto.dev"
    assert lines[-2] == "4 threads in 2 processes"
    (row,) = (line.split() for line in lines if line.endswith("export 'add'"))
    assert row[0] == "203" and row[3] == "1"


def test_a_host_that_is_killed_leaves_its_calls(epy, build_plugin, tmp_path):
    plugin = build_plugin(SCRIPT)
    program = "import ctypes, os, sys; print(ctypes.CDLL(sys.argv[1]).add(1, 2)); os.abort()"
    result = epy("trace", "-o", "t.json", plugin, "--", "python3", "-uc", program, "{}", status=134)
    assert result.stdout == "3\n"
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    assert "export 'add'" in [event["name"] for event in events]


def test_texts_are_there_as_a_terminal_shows_them(epy, build_plugin, tmp_path):
    """Perfetto does not undo JSON's escapes with numbers."""
    plugin = build_plugin("""
import epy

@epy.export("int fail(int)")
def fail(number):
    raise ValueError("\\N{EURO SIGN} \\N{GRINNING FACE} \\0\\n\\x1b \\udc80")
""")
    epy(
        "trace",
        plugin,
        "--",
        "python3",
        "-c",
        "import ctypes, sys; ctypes.CDLL(sys.argv[1]).fail(1)",
        "{}",
    )
    text = (tmp_path / "trace.json").read_text()
    assert r'"error": "ValueError: € 😀 \\x00\\n\\x1b \\udc80"' in text


def test_a_host_that_calls_nothing(epy, build_plugin, tmp_path):
    result = epy("trace", build_plugin(SCRIPT), "--", "echo", "{folder}")
    assert result.stdout == f"{tmp_path}\n"
    assert result.stderr.startswith("no call reached the plugin: does the host load it, and call")


def test_a_file_of_the_host_s_is_never_written_to(build_plugin, run, tmp_path):
    """A daemon closes what it has not opened, and opens files of its own."""
    program = """if True:
        import ctypes, os, sys
        add = ctypes.CDLL(sys.argv[1]).add
        add(1, 2)
        os.closerange(3, 100)
        own = [open(f"own{number}", "w") for number in range(9)]
        print(add(3, 4), [os.path.getsize(one.name) for one in own])"""
    env = {"EPY_TRACE": "trace.json"}
    result = run("python3", "-c", program, build_plugin(SCRIPT), env=env)
    assert result.stdout == f"7 {[0] * 9}\n"
    events = json.loads((tmp_path / "trace.json").read_text().rstrip(",\n") + "]")
    assert [it["args"]["arguments"] for it in events if it["name"] == "export 'add'"] == [
        ["1", "2"],
        ["3", "4"],
    ]


def test_without_the_command_nothing_is_traced(build_plugin, run, tmp_path):
    program = """if True:
        import ctypes, sys
        print(ctypes.CDLL(sys.argv[1]).add(1, 2), 'epy._running.tracing' in sys.modules)"""
    assert run("python3", "-c", program, build_plugin(SCRIPT)).stdout == "3 False\n"


def test_a_file_that_cannot_be_written_is_one_line(build_plugin, run):
    program = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).add(1, 2))"
    env = {"EPY_TRACE": "/no/folder"}
    result = run("python3", "-c", program, build_plugin(SCRIPT), env=env)
    assert result.stdout == "3\n"
    assert result.stderr == (
        "epy: EPY_TRACE=/no/folder: No such file or directory: calls are not traced; "
        "name another file\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name the host's command line: epy trace plugin.so -- HOST ARG ..."),
        (["--", "no-such-host"], "no-such-host: No such file or directory; the host's command "),
        (["-o", "out", "--", "ls"], "-o: options come first, the host's command line comes after"),
    ],
)
def test_mistakes(mistake, build_plugin, tmp_path, arguments, message):
    plugin = build_plugin(SCRIPT)
    assert mistake("trace", plugin, *arguments).startswith(message)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plugin.py", "plugin.so"]


def test_a_folder_is_no_output_and_told_before_the_host_runs(mistake, build_plugin, tmp_path):
    told = mistake("trace", "-o", tmp_path, build_plugin(SCRIPT), "--", "touch", "ran")
    assert told.startswith(f"{tmp_path}: Is a directory") and not (tmp_path / "ran").exists()
