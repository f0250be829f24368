"""Hosts with raised privileges: what others can change is not run or read.

Each case spoils one thing in an installation that is served otherwise. Then the host gets the error
value, one line says what others can change and how that is mended, and the command in that line
mends it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from spoiled_installations import (
    CASES,
    IN_A_JOINED_PYTHON,
    NOBODY,
    PYTHON,
    SCRIPT,
    SOMEBODY,
    command,
    editable_scripts_folder,
    give,
    libpython,
    open_up,
    own_package,
)

BUILD = Path(os.environ["EPY_BUILD_DIR"])

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="not run: needs root")

HOST = r"""
#include <dlfcn.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/stat.h>

// host PLUGIN [LIBPYTHON]: calls the plugin's `add`, after it has started a Python of its own if it
// is to.
int main(int count, char **arguments) {
    if (!getauxval(AT_SECURE))
        return 77;
    umask(0);
    if (count > 2) {
        void *python = dlopen(arguments[2], RTLD_NOW | RTLD_GLOBAL);
        ((void (*)(int))dlsym(python, "Py_InitializeEx"))(0);
    }
    void *plugin = dlopen(arguments[1], RTLD_NOW);
    int (*add)(int, int) = plugin ? (int (*)(int, int))dlsym(plugin, "add") : NULL;
    if (add)
        printf("%d\n", add(2, 3));
    else
        puts("absent");
    return 0;
}
"""


class Installation:
    """epy, a Python's virtual environment and a host in a folder that is root's alone."""

    def __init__(self, folder: Path, shared: Path) -> None:
        self.folder = folder
        self.compiled_host = shared / "host"
        self.path = shared / "package"
        self.package = self.path / "epy"
        self.site = (
            folder / f"venv/lib/python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
        )
        self.imports = ""
        self.joined = False
        self.python = PYTHON

    def host(self, name="host", *, owner=0, group=0, mode=0o4755) -> Path:
        host = self.folder / name
        if not host.exists():
            shutil.copy(self.compiled_host, host)
        os.chown(host, owner, group)
        host.chmod(mode)
        return host

    def venv(self) -> None:
        command(PYTHON, "-I", "-m", "venv", "--without-pip", self.folder / "venv")
        self.python = self.folder / "venv/bin/python"

    def build(self, *options) -> Path:
        script = self.folder / "plugin.py"
        script.write_text(SCRIPT.format(imports=self.imports))
        self.epy("build", script, *options)
        return script.with_suffix(".so")

    def epy(self, *arguments) -> None:
        environment = {**os.environ, "PYTHONPATH": str(self.path)}
        command(self.python, "-m", "epy", *arguments, env=environment, cwd=self.folder)

    def call(self, plugin, host=None, user=NOBODY, group=NOBODY, **environment) -> tuple[str, str]:
        """What the host prints for add(2, 3), and what stderr has."""
        result = subprocess.run(
            [host or self.host(), plugin, *([libpython()] if self.joined else [])],
            capture_output=True, text=True, timeout=120, cwd="/",
            user=user, group=group, extra_groups=[], env=environment,
        )  # fmt: skip
        if result.returncode == 77:
            pytest.skip(f"not run: {self.folder} is mounted without set-user-ID")
        assert result.returncode == 0, result.stderr
        return result.stdout.strip(), result.stderr


def fresh_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="epy-", dir="/tmp"))
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="module", autouse=True)
def _umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(scope="module")
def shared():
    """epy with its cached bytecode, for all tests that do not spoil it, and the host."""
    folder = fresh_folder()
    shutil.copytree(BUILD / "python", folder / "package")
    command(PYTHON, "-m", "compileall", "-q", folder / "package")
    (folder / "host.c").write_text(HOST)
    command("cc", "-o", folder / "host", folder / "host.c")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def place(shared):
    made = Installation(fresh_folder(), shared)
    yield made
    shutil.rmtree(made.folder)


def check_refused_and_mended(place, case, call=None):
    plugin, spoilt = case(place)
    call = call or place.call
    answer, message = call(plugin)
    assert answer in ("-1", "absent"), message
    assert message.count("\n") == 1, message
    assert message.startswith(f"epy: {plugin}: ")
    assert str(spoilt) in message
    remedy = re.search(r"run '([^']+)'\n", message)
    assert remedy, message
    command("sh", "-c", remedy[1])
    assert call(plugin) == ("5", "")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_what_others_can_change_is_refused(place, case):
    check_refused_and_mended(place, case)


@pytest.mark.parametrize("case", IN_A_JOINED_PYTHON, ids=lambda case: case.__name__)
def test_also_where_the_host_has_a_python(place, case):
    place.joined = True
    check_refused_and_mended(place, case)


@pytest.mark.parametrize("joined", [False, True], ids=["started", "joined"])
@pytest.mark.parametrize("way", ["stamped", "editable", "beside", "venv"])
def test_what_is_roots_alone_is_served_and_nothing_is_written(place, way, joined):
    own_package(place)
    place.joined = joined
    if way == "venv":
        place.venv()
    plugin = place.build(*(["--editable"] if way == "editable" else []))
    if way == "beside":
        place.epy("stub", "-o", "plugin.so")
    host = place.host()
    for folder in place.folder.rglob("__pycache__"):
        shutil.rmtree(folder)
    before = sorted(place.folder.rglob("*"))
    assert place.call(plugin, host) == ("5", "")
    assert sorted(place.folder.rglob("*")) == before


def capable_host(place):
    tool = shutil.which("setcap", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if tool is None:
        pytest.skip("not run: no program setcap")
    host = place.host("capable", mode=0o755)
    command(tool, "cap_net_raw+ep", host)
    return host


HOSTS = {
    "group": lambda place: place.host("of-a-group", group=SOMEBODY, mode=0o2755),
    "capabilities": capable_host,
    "user": lambda place: place.host("of-a-user", owner=SOMEBODY, mode=0o4755),
}


@pytest.mark.parametrize("kind", HOSTS)
def test_files_of_who_started_the_host_are_refused(place, kind):
    host = HOSTS[kind](place)
    plugin = place.build("--editable")
    assert place.call(plugin, host) == ("5", "")
    script = place.folder / "plugin.py"
    os.chown(script, NOBODY, NOBODY)
    answer, message = place.call(plugin, host)
    assert answer == "-1"
    assert f"{script} belongs to user {NOBODY}; run 'chown root {script}'" in message


def test_files_of_the_user_whose_privileges_a_host_has_are_served(place):
    host = HOSTS["user"](place)
    plugin = own_package(place)
    for path in [place.folder, *place.folder.rglob("*")]:
        if path != host:
            give(path)
    assert place.call(plugin, host) == ("5", "")
    assert place.call(plugin)[0] == "-1"  # root's host


def test_other_hosts_are_served(place):
    plugin, _ = editable_scripts_folder(place)
    result = subprocess.run(
        [sys.executable, "-m", "epy", "call", plugin, "add", "2", "3"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (result.stdout.strip(), result.stderr) == ("5", "")


def test_an_import_in_a_later_call_is_looked_at(place):
    place.venv()
    (place.site / "extra.py").touch()
    script = place.folder / "plugin.py"
    script.write_text(
        SCRIPT.format(imports="").replace("    return", "    import extra\n    return")
    )
    place.epy("build", script)
    plugin = script.with_suffix(".so")
    assert place.call(plugin) == ("5", "")
    open_up(place.site / "extra.py")
    answer, message = place.call(plugin)
    assert answer == "-1"
    assert f"{place.site}/extra.py can be changed by others" in message


def test_the_environment_does_not_choose_the_python(place):
    plugin = place.build()
    wrong = dict.fromkeys(("EPY_PYTHON", "PYTHONHOME", "PYTHONPATH", "PATH"), "/nowhere")
    assert place.call(plugin, **wrong) == ("5", "")


def test_the_environment_chooses_no_log(place):
    """Of a program with raised privileges: it would write as root where its user says."""
    plugin = place.build()
    log = place.folder / "log"
    assert place.call(plugin, EPY_LOG=f"debug:{log}") == ("5", "")
    assert place.call(plugin, EPY_LOG="debug", EPY_LOG_FILE=str(log)) == ("5", "")
    assert not log.exists()
