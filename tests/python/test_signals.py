"""Signals of a host whose Python epy started: the host's, until a script says otherwise."""

import signal

import pytest
from needs import bears_no_thread_sanitizer

INT, PIPE, TERM, CHLD, WINCH = (
    str(int(number))
    for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGTERM, signal.SIGCHLD, signal.SIGWINCH)
)
HEAD = """
import epy
from ctypes import c_int

@epy.export
def nothing() -> c_int:
    return 0
"""
USES = {
    "asyncio": """
import asyncio
async def main():
    await asyncio.sleep(0)
    process = await asyncio.create_subprocess_exec("true")
    await process.wait()
asyncio.run(main())
asyncio.run(main())
""",
    "asyncio that handles a signal": """
import asyncio, signal
async def main():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, print)
asyncio.run(main())
""",
    "readline": "import readline",
    "pdb, cmd and code": "import cmd, code, pdb; cmd.Cmd(); code.InteractiveConsole(); pdb.Pdb()",
    "subprocess": "import subprocess; subprocess.run(['true'], check=True)",
    "multiprocessing": """
import multiprocessing
context = multiprocessing.get_context("fork")
process = context.Process(target=print)
process.start()
process.join()
context.Lock()
""",
    "faulthandler that is not enabled": "import faulthandler; assert not faulthandler.is_enabled()",
    "a handler that is given back": """
import signal
old = signal.signal(signal.SIGTERM, print)
assert signal.getsignal(signal.SIGTERM) is print
assert signal.signal(signal.SIGTERM, old) is print
old = signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGINT, signal.SIG_IGN)
assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
signal.signal(signal.SIGINT, old)
""",
    "a handler that fails to be set": """
import signal
for number, handler in ((signal.SIGTERM, 5), (signal.SIGKILL, print), (99, print)):
    try:
        signal.signal(number, handler)
    except (TypeError, OSError, ValueError):
        continue
    raise AssertionError(number)
""",
}


def use(name: str, code: str) -> str:
    lines = "".join(f"    {line}\n" for line in code.strip().split("\n"))
    return f"\n@epy.export(error=-1)\ndef {name}() -> c_int:\n{lines}    return 1\n"


@pytest.mark.parametrize("what", USES)
def test_what_a_script_uses_leaves_the_hosts_signals(build_plugin, native, run, what):
    plugin = build_plugin(HEAD + use("work", USES[what]))
    for hosts in ([], ["handle", INT, "handle", TERM, "handle", WINCH], ["ignore", INT]):
        for thread in ("call", "thread"):  # which starts Python, and may end
            work = ["keep", "open", plugin, thread, "work", "changed"]
            result = run(native("signals"), *hosts, *work)
            assert result.stdout.split() == ["1"], (hosts, thread, result.stderr)


def test_ctrl_c_ends_the_host_after_asyncio_run(build_plugin, native, run):
    plugin = build_plugin(HEAD + use("work", USES["asyncio"]))
    command = ["open", plugin, "call", "work", "raise", INT, "call", "nothing"]
    assert run(native("signals"), *command, status=-2).stdout == "1\n"
    hosts = ["handle", INT, *command]
    assert run(native("signals"), *hosts).stdout == "1\nhost 02\n0\n"


TAKES = (
    HEAD
    + """
import signal

def handler(number, frame):
    print("%(name)s", number, flush=True)

@epy.export(error=-1)
def take() -> c_int:
    old = signal.signal(signal.SIGTERM, handler)
    assert signal.getsignal(signal.SIGTERM) is handler
    return {None: 1, signal.SIG_DFL: 2, signal.SIG_IGN: 3}.get(old, 4)

@epy.export(error=-1)
def give() -> c_int:
    return signal.signal(signal.SIGTERM, signal.SIG_DFL) is handler

@epy.export(error=-1)
def ignore() -> c_int:
    return signal.signal(signal.SIGTERM, signal.SIG_IGN) is handler
"""
)


def takers(build_plugin, *names):
    return [build_plugin(TAKES % {"name": name}, name=name) for name in names]


@pytest.mark.parametrize(
    ("hosts", "number", "status", "end"),
    [([], 2, -15, ""), (["handle", TERM], 1, 0, "host 15\n"), (["ignore", TERM], 3, 0, "")],
)
def test_a_handler_works_until_the_script_gives_the_signal_back_or_the_plugin_goes(
    build_plugin, native, run, hosts, number, status, end
):
    (plugin,) = takers(build_plugin, "one")
    took = ["open", plugin, "call", "take", "raise", TERM, "call", "nothing"]
    for over in (["call", "give"], ["close"]):
        result = run(native("signals"), *hosts, *took, *over, "raise", TERM, status=status)
        gave = "1\n" if over != ["close"] else ""
        assert result.stdout == f"{number}\none 15\n0\n{gave}{end}"


def test_ignoring_a_signal_works_until_the_plugin_goes(build_plugin, native, run):
    (plugin,) = takers(build_plugin, "one")
    took = ["handle", TERM, "open", plugin, "call", "ignore", "raise", TERM, "close", "raise", TERM]
    assert run(native("signals"), *took).stdout == "0\nhost 15\n"


def test_what_the_host_sets_later_stays(build_plugin, native, run):
    (plugin,) = takers(build_plugin, "one")
    host = ["open", plugin, "call", "take", "handle", TERM]
    assert run(native("signals"), *host, "close", "raise", TERM).stdout == "2\nhost 15\n"
    again = ["call", "take", "raise", TERM, "call", "nothing", "close", "raise", TERM]
    assert run(native("signals"), *host, *again).stdout == "2\n1\none 15\n0\nhost 15\n"


@pytest.mark.parametrize("first", [0, 1])
def test_two_plugins_take_a_signal_and_go_in_any_order(build_plugin, native, run, first):
    opened = [f"open {plugin}" for plugin in takers(build_plugin, "one", "two")]
    ask = """
@epy.export(error=-1)
def strike() -> c_int:
    signal.raise_signal(signal.SIGTERM)
    return 7
"""
    asking = build_plugin(TAKES % {"name": "three"} + ask, name="three")
    result = run(
        *(native("call"), *opened, f"open {asking}", "int 0:take", "int 1:take", "int 2:strike"),
        *(f"close {first}", "int 2:strike", f"close {1 - first}", "int 2:strike"),
        status=-15,
    )
    left = "two" if first == 0 else "one"
    assert result.stdout.split("\n") == [*"2 4".split(), "two 15", "7", f"{left} 15", "7", ""]


def test_nothing_of_a_plugin_that_took_a_signal_stays(build_plugin, native, run):
    (plugin,) = takers(build_plugin, "one")
    watch = build_plugin(
        HEAD
        + """
import gc

@epy.export
def alive() -> c_int:
    gc.collect()
    return sum(getattr(o, "__name__", "").startswith("one@") for o in gc.get_objects()
               if isinstance(o, type(gc)))
""",
        name="watch",
    )
    commands = [
        f"open {plugin}",
        f"open {watch}",
        "int 0:take",
        "int alive",
        "close 0",
        "int alive",
    ]
    assert run(native("call"), *commands).stdout.split() == ["2", "1", "0"]


def test_readline_still_loads_and_says_where_it_is_from(build_plugin, native, run):
    script = HEAD + use(
        "work",
        """
import readline, importlib.util
assert readline.get_line_buffer() == ""
assert importlib.util.find_spec("readline").origin == readline.__spec__.origin
""",
    )
    assert run(native("call"), f"open {build_plugin(script)}", "int work").stdout == "1\n"


@bears_no_thread_sanitizer("its start writes a file, to which the limit applies")
@pytest.mark.once("the script leaves a folder in sys.path")
def test_bytecode_is_not_written_where_that_would_end_the_host(build_plugin, native, run, tmp_path):
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules/fresh.py").write_text("value = 5\n")
    plugin = build_plugin(f"""
import epy, importlib, sys
sys.path.append({str(tmp_path / "modules")!r})

@epy.export("int value(void)", error=-1)
def value():
    return importlib.import_module("fresh").value
""")
    result = run("prlimit", "--fsize=0", native("call"), f"open {plugin}", "int value")
    assert (result.stdout, result.stderr) == ("5\n", "")
    assert not (tmp_path / "modules/__pycache__").exists()
    assert run(native("call"), f"open {plugin}", "int value").stdout == "5\n"
    assert (tmp_path / "modules/__pycache__").exists()


@pytest.mark.once("the process's exit is looked at")
def test_the_hosts_signals_come_to_no_thread_of_epys(build_plugin, compile_c, run):
    """One of epy's waits while exit functions run, and the host's own has the signal blocked."""
    plugin = build_plugin(
        HEAD
        + """
import atexit, os, signal, time

def work():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    os.kill(os.getpid(), signal.SIGUSR1)
    time.sleep(0.1)  # for another thread to take it
    print(signal.sigpending() == {signal.SIGUSR1}, flush=True)

@epy.on_load
def load():
    atexit.register(work)
"""
    )
    host = compile_c(
        """
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
static void handle(int number) { (void)number; }
int main(int argc, char **argv) {
    signal(SIGUSR1, handle);
    ((int (*)(void))dlsym(dlopen(argv[argc - 1], RTLD_NOW), "nothing"))();
    return 0;
}
"""
    )
    assert run(host, plugin).stdout == "True\n"


def test_a_process_that_a_hook_starts_gets_the_hosts_signals(build_plugin, native, run):
    """The thread that runs the hook has what the host's has blocked, which a process inherits."""
    plugin = build_plugin(
        HEAD
        + """
import signal, subprocess

@epy.on_unload
def work():
    child = subprocess.Popen(["sleep", "1000"])
    child.terminate()
    print(child.wait() == -signal.SIGTERM, flush=True)
"""
    )
    result = run(native("call"), f"open {plugin}", "int nothing", "close")
    assert (result.stdout, result.stderr) == ("0\nTrue\n", "")
