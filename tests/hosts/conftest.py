"""What the tests with real hosts share: the plugin, and running a program that loads it.

Hosts that run a Python of their own are asked what it looks like: as without epy.
"""

import glob
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

SYSTEM = Path("/usr/bin/python3")  # what Debian's packages of hosts embed


def pytest_configure(config):
    config.addinivalue_line("markers", "needs(name, ...): programs and files of a host")


def pytest_runtest_setup(item):
    for mark in item.iter_markers("needs"):
        for name in mark.args:
            if shutil.which(name) is None and not glob.glob(name):
                pytest.skip(
                    f"not run: {name} is missing: tests/setup.sh --python-hosts installs it"
                )


@pytest.fixture(scope="module")
def python(request, tmp_path_factory):
    """The Python that the plugin is built for: that of the tests, if the test names no other.

    Of a test with this parameter "system" is the one that Debian's hosts embed, and "venv" a
    virtual environment of it, which has a package of its own: `only_in_venv`.
    """
    kind = getattr(request, "param", None)
    if kind is None:
        return Path(sys.executable)
    version = subprocess.run(
        [SYSTEM, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True
    ).stdout
    if version.split() != [str(part) for part in sys.version_info[:2]]:
        pytest.skip(f"not run: {SYSTEM}, which hosts embed, is {version}, not that of the tests")
    if kind == "system":
        return SYSTEM
    folder = tmp_path_factory.mktemp("venv") / "venv"
    venv.create(folder, symlinks=True, with_pip=False)
    (packages,) = folder.glob("lib/python3*/site-packages")
    (packages / "only_in_venv.py").write_text("NAME = 'venv'\n", encoding="utf-8")
    return folder / "bin" / "python3"


@pytest.fixture
def packages(python):
    """What a plugin's `import only_in_venv` is to find: "venv", or "system" if nothing."""
    return "venv" if "venv" in python.parts[-3:] else "system"


@pytest.fixture
def build_options():
    """Further arguments for `epy build`."""
    return ()


@pytest.fixture(scope="module")
def built():
    """Plugins that tests of this file have built: what they are, by Python and way of loading."""
    return {}


@pytest.fixture
def build_check(request, build_plugin, built, python, build_options, tmp_path):
    """`build_check("--eager")`: `check.so` in `tmp_path`, of the `check.py` beside the test."""

    def build_check(*arguments):
        plugin = tmp_path / "check.so"
        if (python, *arguments) not in built:
            script = request.path.with_name("check.py")
            build_plugin(script, "--python", str(python), *build_options, *arguments)
            built[python, *arguments] = plugin.read_bytes()
        plugin.write_bytes(built[python, *arguments])
        return plugin

    return build_check


@pytest.fixture(autouse=True)
def plugin(build_check):
    """`check.so` in `tmp_path`, of the `check.py` beside the test."""
    return build_check()


@pytest.fixture
def preloaded(plugin, build_check, preload):
    """An environment in which a host runs epy's Python before its own: from the first moment on."""
    return preload(build_check("--eager"))


@pytest.fixture
def run_host(run):
    """`run_host("sqlite3", ...)`: like `run`, with its options, without this Python's settings.

    A host that is not installed is a failure.
    """

    def run_host(program, *arguments, env=None, **options):
        if shutil.which(program) is None:
            pytest.fail(f"{program} is not installed: tests/setup.sh installs it", pytrace=False)
        return run(program, *arguments, env={"PYTHONPATH": None, **(env or {})}, **options)

    return run_host
