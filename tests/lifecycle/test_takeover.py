"""Hosts that initialize the Python which a plugin of epy has started, for every CPython at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from plugin_scripts import ADD

pytestmark = pytest.mark.once("the host starts and ends a Python of its own")

HERE = Path(__file__).parent
INCLUDE = "import sysconfig; print(sysconfig.get_path('include'))"


# How the host has its Python: in a library that it opens later, or linked itself.
FORMS = {
    "opened": ["-shared", "-fPIC"],
    "opened, bound lazily": ["-shared", "-fPIC", "-Wl,-z,lazy"],
    "linked, bound at its start": ["-rdynamic", "-Wl,-z,now", "-Wl,-z,relro"],
    "linked, bound lazily": ["-rdynamic", "-Wl,-z,lazy"],
    "linked at a fixed address": ["-rdynamic", "-no-pie", "-fno-pie", "-Wl,-z,now"],
}


@pytest.fixture
def order(build_for, python, run, tmp_path) -> Callable[..., list[str]]:
    """`order("plpython", step, ...)`: what a host prints that uses that file and a plugin."""
    flags = [f"-I{run(python.executable, '-I', '-c', INCLUDE).stdout.strip()}"]
    flags += [f'-DLIBPYTHON="{python.library}"', python.library]
    flags += [f"-Wl,-rpath,{python.library.parent}", "-Wall", "-Wno-deprecated-declarations", "-g"]

    def order(
        source: str,
        *steps: str,
        form: str = "opened",
        script: str = ADD,
        environment: Path | None = None,
        **options: object,
    ) -> list[str]:
        plugin = build_for(script, *(["--python", environment] if environment else []))
        host = [HERE / "order.c", "-pthread", "-o", tmp_path / "order"]
        if form.startswith("opened"):
            library = tmp_path / f"lib{source}.so"
            run("cc", *FORMS[form], "-o", library, HERE / f"{source}.c", *flags)
            run("cc", *host)
            words = [plugin, library, *steps]
        else:
            run("cc", *FORMS[form], *host, HERE / f"{source}.c", *flags)
            words = [plugin, "-", *(step for step in steps if step != "open")]
        result = run(tmp_path / "order", *words, **options)
        assert result.stderr == ""
        return result.stdout.splitlines()

    return order


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("first", ["plugin", "thread"])
def test_a_host_that_keeps_the_lock_after_a_plugin(order, first, form):
    steps = [first, "open", "work", "plugin", "work"]
    expected = ["plugin 5", "work 42", "plugin 5", "work 42"]
    assert order("plpython", *steps, form=form) == expected


def test_a_host_that_keeps_the_lock_before_a_plugin(order):
    steps = ["open", "work", "plugin", "work"]
    assert order("plpython", *steps) == ["work 42", "plugin 5", "work 42"]


@pytest.mark.parametrize("form", ["opened", "linked, bound at its start"])
@pytest.mark.parametrize("first", ["plugin", "thread"])
def test_a_host_with_threads_that_gives_the_lock_up(order, first, form):
    steps = [first, "open", "configure", "work", "plugin", "thread", "work", "finish"]
    expected = ["plugin 5", "configure 0", "work 3", "plugin 5", "plugin 5", "work 6"]
    assert order("collectd", *steps, form=form) == [*expected, "at exit", "finish 0"]


@pytest.mark.parametrize("first", ["plugin", "thread"])
def test_a_host_with_a_sub_interpreter_for_each_script(order, first):
    steps = [first, "open", "start", "plugin", "script", "plugin", "script", "plugin", "finish"]
    expected = ["plugin 5", "start 0", "plugin 5", "script 0", "plugin 5", "script 0", "plugin 5"]
    assert order("weechat", *steps) == [*expected, "finish 0"]


@pytest.mark.parametrize("first", ["plugin", "thread"])
def test_a_host_that_looks_the_functions_up(order, first):
    assert order("asks_dlsym", first, "work", "plugin", form="linked, bound lazily") == [
        "plugin 5",
        "work 0",
        "plugin 5",
    ]


@pytest.mark.parametrize("binding", ["lazy", "now"])
def test_a_host_initializes_python_while_a_plugin_starts_it(
    build_for, python, run, tmp_path, binding
):
    plugin = build_for(ADD)
    include = run(python.executable, "-I", "-c", INCLUDE).stdout.strip()
    run("cc", "-Wall", HERE / "at_once.c", "-o", tmp_path / "at_once", f"-I{include}", "-pthread",
        python.library, f"-Wl,-rpath,{python.library.parent}", f"-Wl,-z,{binding}")  # fmt: skip
    result = run(tmp_path / "at_once", plugin, "60")
    assert (result.stdout, result.stderr) == ("60 rounds\n", "")


# Initialization inside a plugin's call.

# Behind ADD.
THROUGH = """
host = epy.header("int work(void); int {opens}(void);", library="./lib{source}.so")

@epy.export(error=-1)
def open_twice() -> c_int:
    return host.{opens}() * 100 + host.work()

@epy.export(error=-1)
def work_twice() -> c_int:
    return host.work() * 100 + host.work()

@epy.export(error=-1)
def work_held() -> c_int:
    import ctypes
    return ctypes.PyDLL("./lib{source}.so").work()
"""


def test_a_host_that_keeps_the_lock_is_called_by_a_plugin(order):
    steps = ["plugin:open_twice", "open", "work", "plugin", "plugin:work_twice", "work"]
    steps += ["plugin:work_held", "work"]
    script = ADD + THROUGH.format(source="plpython", opens="work")
    expected = ["plugin:open_twice 4242", "work 42", "plugin 5", "plugin:work_twice 4242"]
    expected += ["work 42", "plugin:work_held 42", "work 42"]
    assert order("plpython", *steps, script=script) == expected


def test_a_host_that_keeps_the_lock_is_called_by_a_plugin_with_the_lock(order):
    steps = ["plugin:work_held", "open", "work", "plugin", "plugin:work_twice", "work"]
    script = ADD + THROUGH.format(source="plpython", opens="work")
    expected = ["plugin:work_held 42", "work 42", "plugin 5", "plugin:work_twice 4242", "work 42"]
    assert order("plpython", *steps, script=script) == expected


def test_a_host_that_gives_the_lock_up_is_called_by_a_plugin(order):
    steps = ["plugin:open_twice", "open", "work", "plugin", "plugin:work_twice", "thread", "work"]
    script = ADD + THROUGH.format(source="collectd", opens="configure")
    expected = ["plugin:open_twice 3", "work 6", "plugin 5", "plugin:work_twice 912", "plugin 5"]
    expected += ["work 15", "at exit", "finish 0"]
    assert order("collectd", *steps, "finish", script=script) == expected


# What its Python is like: as in the same host without a plugin.

PATHS = "import sys; print(*sys.path, '/some/modules', sep=':')"
SHOW = """
import atexit, signal, sys
import locale, os
print(sys.flags)
print(locale.setlocale(locale.LC_CTYPE), locale.getpreferredencoding(False))
print(sorted(os.environ.items()))
print(sys.argv, sys.executable, sys.prefix, sys.base_prefix, sys.path)
print(sys.warnoptions, sys.dont_write_bytecode, "site" in sys.modules)
for stream in (sys.stdin, sys.stdout, sys.stderr):
    print(stream.line_buffering, stream.encoding, stream.errors)
print(*(signal.getsignal(n) for n in (signal.SIGPIPE, signal.SIGXFSZ)), end=" ")
print(sys.flags.isolated or signal.getsignal(signal.SIGINT))
import threading
print(threading.main_thread() is threading.current_thread(), threading.active_count())
sys.stdout.flush()
"""
ENVIRONMENTS = {
    "none": {},
    "PYTHONPATH and warnings": {"PYTHONPATH": "/a:/b", "PYTHONWARNINGS": "ignore::ResourceWarning"},
    "PYTHONNOUSERSITE": {"PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1"},
    "the locale C": {"LC_ALL": "C"},
    "UTF-8 mode": {"LC_ALL": "C", "PYTHONUTF8": "1"},
    "no UTF-8 mode": {"LC_ALL": "C", "PYTHONUTF8": "0"},
    "unbuffered": {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "latin-1:replace"},
}


STARTS = [
    "with_variables",
    "without_site",
    "from_config",
    "isolated",
    "from_init_config",
    "main_of_python",
]
CONFIGURED = [(start, environment) for start in STARTS for environment in ENVIRONMENTS]
for start in ("with_path", "preconfigured"):
    CONFIGURED += [(start, "none"), (start, "the locale C")]


@pytest.mark.parametrize(("start", "environment"), CONFIGURED)
def test_python_is_as_the_hosts_configuration_says(
    order, start, environment, tmp_path, python, run
):
    user = tmp_path / "home"
    variables = {"PYTHONPATH": None, "HOME": str(user), "RUN": SHOW, "LC_ALL": "C.UTF-8"}
    variables["PATHS"] = run(python.executable, "-IS", "-c", PATHS).stdout.strip()
    variables |= ENVIRONMENTS[environment]
    if start == "with_path" and python.version >= (3, 13):
        return  # which has no Py_SetPath any more
    if start == "from_init_config" and python.version < (3, 14):
        return  # which has no PyInitConfig yet
    alone = order("configured", "open", start, env=variables)
    for first in ("plugin", "thread"):
        assert order("configured", first, "open", start, env=variables)[1:] == alone


@pytest.mark.parametrize("first", ["plugin", "thread"])
def test_a_host_runs_a_whole_python_program(order, first, tmp_path):
    """As `python -c CODE more`, with its exit functions and its end."""
    script = "import sys, atexit; atexit.register(print, 'ended', flush=True); print(sys.argv)"
    variables = {"RUN": script, "PYTHONPATH": None}
    alone = order("configured", "open", "main_of_python", env=variables)
    assert alone == ["['-c', 'more']", "ended", "main_of_python 0"]
    assert order("configured", first, "open", "main_of_python", env=variables)[1:] == alone


def test_a_host_that_asks_for_no_signals_gets_none(order):
    code = "from signal import *; print(getsignal(SIGINT), getsignal(SIGPIPE), flush=True)"
    found = order("configured", "plugin", "open", "without_signals", env={"RUN": code})
    assert found[1] == "0 0"


def test_a_thread_that_has_started_python_and_ended_is_none_of_the_host_s(order):
    code = (
        "import threading as t; "
        "print(t.enumerate() == [t.main_thread()] == [t.current_thread()], flush=True)"
    )
    script = ADD + "import threading\n"
    found = order(
        "configured", "thread", "open", "without_signals", script=script, env={"RUN": code}
    )
    assert found == ["plugin 5", "True", "without_signals 0"]


IMPORTS = (
    ADD
    + """
@epy.export(error=-1)
def own() -> c_int:
    import of_plugin
    return of_plugin.number()
"""
)
HOSTS_IMPORTS = """
import sys
assert not any("/venv/" in entry for entry in sys.path), sys.path
assert sys.prefix == sys.base_prefix
import of_host
assert of_host.NUMBER == 3
if "of_plugin_2" not in sys.modules:
    try:
        import of_plugin_2
        print("the host finds", of_plugin_2, flush=True)
    except ModuleNotFoundError:
        pass
"""


@pytest.mark.parametrize("first", ["plugin", "plugin:own"])
def test_a_plugin_s_environment_is_the_plugin_s_alone(order, python, run, tmp_path, first):
    run(python.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    (packages,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (packages / "of_plugin.py").write_text(
        "def number():\n    from of_plugin_2 import NUMBER\n    return NUMBER\n"
    )
    (packages / "of_plugin_2.py").write_text("NUMBER = 7\n")
    hosts = tmp_path / "hosts"
    hosts.mkdir()
    (hosts / "of_host.py").write_text("NUMBER = 3\n")
    (hosts / "of_plugin.py").write_text("def number():\n    return 0\n")
    environment = {"PYTHONPATH": str(hosts), "RUN": HOSTS_IMPORTS}
    steps = [first, "open", "with_variables", "plugin:own", "plugin"]
    found = order(
        *("configured", *steps),
        script=IMPORTS,
        environment=tmp_path / "venv/bin/python",
        env=environment,
    )
    plugin = "plugin 5" if first == "plugin" else "plugin:own 7"
    assert found == [plugin, "with_variables 0", "plugin:own 7", "plugin 5"]


@pytest.mark.parametrize("start", ["work", "from_config"])
def test_a_library_for_another_python_is_told_so(build_for, python, run, tmp_path, start):
    """It gets the functions of the one that the plugin has started, which is global."""
    build_for(ADD)
    run("cc", "-shared", "-x", "c", "/dev/null", "-o", tmp_path / "libpython3.10.so.1.0",
        "-Wl,-soname,libpython3.10.so.1.0")  # fmt: skip
    include = run(python.executable, "-I", "-c", INCLUDE).stdout.strip()
    source = HERE / ("plpython.c" if start == "work" else "configured.c")
    run("cc", "-shared", "-fPIC", "-w", f"-I{include}", source, "-o", tmp_path / "library.so",
        "-Wl,--no-as-needed", tmp_path / "libpython3.10.so.1.0",
        f"-Wl,-rpath,{tmp_path}")  # fmt: skip
    run("cc", HERE / "order.c", "-pthread", "-o", tmp_path / "order")
    words = ["./plugin.so", tmp_path / "library.so", "plugin", "open", start, "plugin"]
    result = run(tmp_path / "order", *words, status=1 if start == "work" else 0)
    if start == "work":
        assert result.stdout == "plugin 5\n"
        assert "Py_Initialize: a library of the host's needs libpython3.10.so.1.0" in result.stderr
        assert "build the plugin for that Python" in result.stderr
    else:
        assert result.stdout.splitlines() == ["plugin 5", "from_config -1", "plugin 5"]
