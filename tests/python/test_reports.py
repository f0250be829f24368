"""Where reports and messages go: folded on stderr, by level and in a file with EPY_LOG."""

import os
import re
import sys

import pytest

HOST = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int (*fail)(int);
static void *work(void *name) {
    if (*(char *)name) pthread_setname_np(pthread_self(), name);
    fail(1);
    return NULL;
}
int main(int argc, char **argv) {
    void *plugin = dlopen("./plugin.so", RTLD_NOW);
    fail = (int (*)(int))dlsym(plugin, "fail");
    for (int i = 1; i < argc; ++i) {
        if (strcmp(argv[i], "close") == 0) dlclose(plugin);
        else if (strcmp(argv[i], "chdir") == 0) chdir("/");
        else if (strcmp(argv[i], "fds") == 0) { for (int fd = 3; fd < 100; ++fd) close(fd); }
        else if (strncmp(argv[i], "thread", 6) == 0) {
            pthread_t thread;
            pthread_create(&thread, NULL, work, argv[i] + 6);
            pthread_join(thread, NULL);
        } else for (int times = atoi(strchr(argv[i], 'x') + 1); times > 0; --times)
            fail(atoi(argv[i]));
    }
}
"""
SCRIPT = """
import epy

@epy.export("int fail(int)", error=-1)
def fail(number):
    if number == 9:
        epy.error_hook = lambda report: 1 // 0
    if number == 8:
        print("said by the script", file=__import__("sys").stderr)
        return 0
    else:
        raise ValueError(number)
"""
THREAD = r" \(\d+\)"


@pytest.fixture
def reports(build_plugin, compile_c, run):
    """`reports("1x2", env={})`: what is on stderr, the reports shortened."""
    host, plugin = compile_c(HOST, "-lpthread"), build_plugin(SCRIPT)

    def reports(*calls, env=None):
        text = run(host, *calls, env={"EPY_LOG": None, "EPY_LOG_FILE": None, **(env or {})}).stderr
        return shortened(text, plugin)

    return reports


def shortened(text, plugin):
    text = text.replace(f" of {plugin}", "").replace(str(plugin), "PLUGIN")
    return re.sub(r"Traceback.*?\n(?=\w)", "", text, flags=re.DOTALL)


def report(number, thread="MainThread"):
    return f"epy: exception in export 'fail', thread {thread}:\nValueError: {number}\n"


def test_equal_reports_on_end_are_folded(reports):
    assert reports("1x3234") == report(1) + "... 3,233 more\n"
    assert reports("1x2", "2x1", "1x1") == (report(1) + "... 1 more\n" + report(2) + report(1))
    assert reports("1x4", "8x1") == report(1) + "said by the script\n... 3 more\n"


def test_a_plugin_that_goes_tells_how_many_there_were(reports):
    assert reports("1x3", "close") == report(1) + "... 2 more\n"


def test_a_hook_that_fails_is_folded_with_the_report(reports):
    found = reports("9x3")
    assert found.count("ValueError: 9") == 1
    assert found.count("epy: epy.error_hook failed: ZeroDivisionError: ") == 1
    assert found.endswith("\n... 2 more\n")


def test_a_thread_of_the_host_has_the_name_that_the_host_gave_it(reports):
    found = reports("threadrender 3")
    assert re.search(r"thread render 3 \(\d+\):", found)
    assert re.search(r"thread host \(\d+\):", reports("thread"))


def test_reports_from_several_threads_are_equal(reports):
    assert re.fullmatch(
        re.escape(report(1)) + r"\.\.\. 2 more\n", reports("1x1", "threada", "threadb")
    )


@pytest.mark.usefixtures("no_python_named")
def test_levels(reports):
    assert reports("1x1", env={"EPY_LOG": "error"}) == report(1)
    assert reports("1x1", env={"EPY_LOG": "warning"}) == report(1)
    assert reports("1x1", env={"EPY_LOG": ""}) == report(1)
    info = reports("1x1", "close", env={"EPY_LOG": "info"}).splitlines()
    assert re.fullmatch(r"epy: PLUGIN: starts the Python in /\S+ \(3\.\d+\.\S+\)", info[0])
    assert re.match(
        r"epy: PLUGIN: started: 1 export, script /\S+plugin.py, Python 3.* \(/", info[1]
    )
    assert info[-1] == "epy: PLUGIN: unloaded"
    debug = reports("1x1", env={"EPY_LOG": "debug"}).splitlines()
    assert re.match(r"epy: PLUGIN: its core is /.+/_core\.", debug[1])
    assert "epy: PLUGIN: exports function 'fail'" in debug


@pytest.mark.once("the host changes its folder and closes what is open")
@pytest.mark.parametrize("way", ["colon", "variable", "default level"])
def test_a_file_gets_it_all_with_time_and_process(reports, tmp_path, way):
    log = tmp_path / "host.log"
    log.write_text("before\n")
    env = {"EPY_LOG": "info:host.log"}  # from where the host is when Python starts
    if way == "variable":
        env = {"EPY_LOG": "info", "EPY_LOG_FILE": "host.log"}
    if way == "default level":
        env = {"EPY_LOG": ":host.log"}
    # Neither the host's folder nor its descriptors matter.
    assert reports("1x2", "chdir", "fds", "2x1", "close", env=env) == ""
    text = shortened(log.read_text(), tmp_path / "plugin.so")
    entry = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \d+ (\w+) ", re.M)
    levels = entry.findall(text)
    errors = ["error", "error"]
    assert levels == (errors if way == "default level" else ["info", "info", *errors, "info"])
    assert entry.sub("", text).startswith("before\n")
    assert f"{report(1)}" in entry.sub("", text)
    assert f"... 1 more\n{report(2)}" in entry.sub("", text)
    if way == "variable":
        assert os.stat(log).st_size == len(log.read_bytes())


def test_what_is_wrong_with_it_is_said_once_and_nothing_is_lost(reports):
    assert reports("1x1", env={"EPY_LOG": "loud"}).replace(report(1), "") == (
        "epy: EPY_LOG=loud: give debug, info, warning or error, and behind a colon a file\n"
    )
    assert reports("1x1", "2x1", env={"EPY_LOG": "error:/nowhere/log"}) == (
        "epy: cannot write the log file /nowhere/log: No such file or directory; messages go to "
        f"stderr: name another one in EPY_LOG\n{report(1)}{report(2)}"
    )


def test_what_a_traceback_reads_may_fail_in_a_callback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin may stand before open(), with which a traceback reads files."""
    import linecache

    from epy._report import format_exception

    texts: list[str] = []

    def read(*_: object) -> list[str]:
        try:
            raise OSError("below it")
        except OSError as error:
            texts.append(format_exception(error))
        return []

    monkeypatch.setattr(linecache, "updatecache", read)
    try:
        raise ValueError("above it")
    except ValueError as error:
        linecache.clearcache()
        assert format_exception(error).endswith("ValueError: above it\n")
    assert texts
    assert set(texts) == {"OSError: below it\n"}
    assert format_exception(ValueError("again")).endswith("ValueError: again\n")


def test_a_python_host_may_exit_while_its_threads_are_reporting(build_plugin, run):
    """Python aborts if a thread that it ended had the lock of its stream for errors."""
    plugin = build_plugin("""
import epy
from ctypes import c_int

count = 0

@epy.export(error=-1)
def fail() -> c_int:
    global count
    count += 1
    raise ValueError(count)
""")
    host = f"""
import ctypes, threading, time
plugin = ctypes.CDLL({str(plugin)!r})
assert plugin.fail() == -1

def call():
    while True:
        plugin.fail()

for _ in range(2):
    threading.Thread(target=call, daemon=True).start()
time.sleep(0.05)
"""
    for _ in range(10):
        assert "ValueError: 1\n" in run(sys.executable, "-c", host).stderr
