"""nbdkit runs a disk in its own Python, with an epy filter before it."""

import pytest

pytestmark = [
    pytest.mark.needs("nbdkit", "/usr/lib/*/nbdkit/plugins/nbdkit-python-plugin.so"),
    pytest.mark.parametrize("python", ["system", "venv"], indirect=True),
]

DISK = """
import atexit, sys, nbdkit

API_VERSION = 2
atexit.register(lambda: open("ended", "w").close())
data = b"hello"

def config(key, value):
    global data
    data = repr((sys.prefix, sys.path, sys.argv, sys.flags)).encode()

def thread_model():
    return nbdkit.THREAD_MODEL_PARALLEL

def open(readonly):
    return 1

def get_size(handle):
    return 65536

def pread(handle, buffer, offset, flags):
    buffer[:] = (data + bytes(65536))[offset:][:len(buffer)]
""".replace('open("ended"', '__builtins__.open("ended"')


@pytest.fixture
def disk(run_host, tmp_path):
    """`disk(argument, ...)`: what nbdkit serves of the Python plugin with these filters."""
    (tmp_path / "disk.py").write_text(DISK, encoding="utf-8")

    def disk(*arguments, filters=(), env=None):
        read = "env -u LD_PRELOAD nbdcopy \"$uri\" - | tr -d '\\0'"
        result = run_host(
            "nbdkit", "-U", "-", *filters, "python", "./disk.py", *arguments, "--run", read, env=env
        )
        assert result.stderr == ""
        ended = tmp_path / "ended"
        assert ended.exists()
        ended.unlink()
        return result.stdout

    return disk


FILTER = ["--filter=./check.so"]


def test_python_first(disk, packages):
    assert disk() == "hello"
    assert disk(f"packages={packages}", filters=FILTER) == "HELLO"


def test_epy_first(disk, preloaded, packages):
    assert disk(f"packages={packages}", filters=FILTER, env=preloaded) == "HELLO"


def test_pythons_look_is_its_own(disk, packages):
    looks = disk("looks=")
    assert looks.startswith("(")
    assert disk("looks=", f"packages={packages}", filters=FILTER) == looks.upper()


def test_pythons_look_is_its_own_epy_first(disk, packages, preloaded):
    looks = disk("looks=")
    answer = disk("looks=", f"packages={packages}", filters=FILTER, env=preloaded)
    assert answer == looks.upper()
