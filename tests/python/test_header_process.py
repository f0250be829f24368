"""C is read in another process, and what it gave is kept on disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import epy
from epy._c import cache, process


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "epy" / "headers"


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch) -> Any:
    """From its call on nothing can be read anew."""

    def forbid() -> None:
        def refuse(request: Any, keep: bool) -> Any:
            raise AssertionError(f"{request['name']} is read again")

        monkeypatch.setattr(process, "_ask", refuse)

    return forbid


ASKS = """
import epy
header = epy.header("int f(int);")
print(header.f, "libclang" in open("/proc/self/maps").read())
"""


def test_libclang_never_comes_into_the_process_that_asks(run) -> None:
    assert run(sys.executable, "-c", ASKS).stdout.endswith(" False\n")


def test_what_was_read_is_not_read_again(no_process, tmp_path) -> None:
    (tmp_path / "host.h").write_text("#define N 3\nint f(int);\n")
    epy.header("host.h", include=[tmp_path]).callback("int (*)(long)", lambda a: 1)
    epy.callback("int (*)(short)", lambda a: 1)
    no_process()
    host = epy.header("host.h", include=[tmp_path])
    host.callback("int (*)(long)", lambda a: 1)
    epy.callback("int (*)(short)", lambda a: 1)
    assert host.N == 3


def test_a_header_that_has_changed_is_read_again(tmp_path) -> None:
    inner = tmp_path / "inner.h"
    (tmp_path / "host.h").write_text('#include "inner.h"\n')
    inner.write_text("#define N 3\n")
    assert epy.header("host.h", include=[tmp_path]).N == 3
    inner.write_text("#define N 4\n")
    assert epy.header("host.h", include=[tmp_path]).N == 4


def test_a_header_that_is_only_touched_is_not_read_again(no_process, tmp_path) -> None:
    (tmp_path / "host.h").write_text("#define N 3\n")
    epy.header("host.h", include=[tmp_path])
    os.utime(tmp_path / "host.h", (1, 1))
    no_process()
    assert epy.header("host.h", include=[tmp_path]).N == 3


def test_a_header_that_comes_before_the_known_one_is_read(tmp_path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    (tmp_path / "second" / "host.h").write_text("#define N 2\n")
    folders = [tmp_path / "first", tmp_path / "second"]
    assert epy.header("host.h", include=folders).N == 2
    (tmp_path / "first" / "host.h").write_text("#define N 1\n")
    assert epy.header("host.h", include=folders).N == 1


def test_a_header_in_a_folder_that_was_not_there_is_read(tmp_path) -> None:
    (tmp_path / "second" / "sub" / "sub").mkdir(parents=True)
    (tmp_path / "second" / "sub" / "sub" / "host.h").write_text("#define N 2\n")
    folders = [tmp_path / "first", tmp_path / "second"]
    assert epy.header("sub/sub/host.h", include=folders).N == 2
    (tmp_path / "first" / "sub").mkdir(parents=True)
    assert epy.header("sub/sub/host.h", include=folders).N == 2
    (tmp_path / "first" / "sub" / "sub").mkdir()
    (tmp_path / "first" / "sub" / "sub" / "host.h").write_text("#define N 1\n")
    assert epy.header("sub/sub/host.h", include=folders).N == 1


def test_what_the_environment_gives_to_compilers_counts(monkeypatch, tmp_path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "host.h").write_text(f'#define NAME "{name}"\n')
    process.close()
    for variable, name in (("CPATH", "one"), ("C_INCLUDE_PATH", "two")):
        monkeypatch.delenv("CPATH", raising=False)
        monkeypatch.setenv(variable, str(tmp_path / name))
        process.close()  # it has the environment that it started with
        assert epy.header("host.h").NAME == name.encode()


def test_a_header_that_changes_while_it_is_read_is_read_again(monkeypatch, tmp_path) -> None:
    """What was read is not what is there."""
    header = tmp_path / "host.h"
    header.write_text("#define N 3\n")
    read = process._ask

    def write_meanwhile(request: Any, keep: bool) -> Any:
        answer = read(request, keep)
        header.write_text("#define N 4\n")
        return answer

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(process, "_ask", write_meanwhile)
        assert epy.header("host.h", include=[tmp_path]).N == 3
    assert epy.header("host.h", include=[tmp_path]).N == 4


def test_an_entry_that_cannot_be_touched_counts(own_cache, no_process, monkeypatch) -> None:
    """Of a folder that nothing is written to, or of another user."""
    epy.header("int f(int);")

    def refuse(path: str) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(cache.os, "utime", refuse)
    no_process()
    epy.header("int f(int);")


def test_what_the_disk_has_no_room_for_leaves_nothing(own_cache, run, tmp_path) -> None:
    """As with a file that may not become so large."""
    (tmp_path / "host.h").write_text("int f(int);\n")
    words = ("-m", "epy", "inspect", "--header", "host.h")
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    shown = run("prlimit", "--fsize=100", sys.executable, *words, env=environment).stdout
    assert "int f(int)" in shown
    assert list(own_cache.iterdir()) == []


def test_a_damaged_entry_is_read_again(own_cache) -> None:
    text = "int f(int);\n#define N 3\n"
    epy.header(text)
    (entry,) = own_cache.iterdir()
    data = bytearray(entry.read_bytes())
    data[len(data) // 2] ^= 255
    entry.write_bytes(data)
    assert epy.header(text).N == 3
    entry.write_bytes(b"")
    assert epy.header(text).N == 3


def test_the_oldest_entries_go_when_the_cache_is_full(own_cache, monkeypatch) -> None:
    epy.header("#define N 1\n")
    (first,) = own_cache.iterdir()
    os.utime(first, (1, 1))
    epy.header("#define N 2\n")
    monkeypatch.setattr(cache, "_FULL", 2 * cache._BLOCK)
    cache._make_room.cache_clear()  # as in the next process
    epy.header("#define N 3\n")
    assert first not in list(own_cache.iterdir())
    assert len(list(own_cache.iterdir())) == 2


def test_a_process_looks_through_the_cache_once(own_cache, monkeypatch) -> None:
    """Whoever has used it for a year has tens of thousands of entries there."""
    looks = []
    monkeypatch.setattr(cache.os, "scandir", lambda folder: looks.append(folder) or iter(()))
    cache._make_room.cache_clear()
    for n in range(5):
        epy.header(f"#define N {n}\n")
    assert looks == [str(own_cache)]


def test_processes_fill_the_cache_together(tmp_path) -> None:
    program = "import epy\nfor n in range(8): assert epy.header(f'#define N {n}\\n').N == n\n"
    running = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(4)]
    assert [one.wait() for one in running] == [0, 0, 0, 0]


def test_a_cache_that_cannot_be_written_is_none(monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/x")
    assert epy.header("#define N 1\n").N == 1


def test_what_a_read_that_is_interrupted_would_have_given_is_nobody_s(monkeypatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(process.select, "select", interrupt)
        epy.header("enum { FIRST = 1 };")
    host = epy.header("enum { SECOND = 2 };")
    assert (hasattr(host, "FIRST"), host.SECOND) == (False, 2)


def test_a_process_that_has_ended_is_started_again() -> None:
    epy.header("#define N 1\n")
    assert process._running is not None
    process._running[1].kill()
    process._running[1].wait()
    assert epy.header("#define N 2\n").N == 2


def test_a_fork_has_a_process_of_its_own(run) -> None:
    program = """
import os, epy
epy.header("#define N 1\\n")
child = os.fork()
for n in range(20):
    assert epy.header(f"#define N {n}{child > 0:d}\\n").N == 10 * n + (child > 0)
os.waitpid(child, 0) if child else os._exit(0)
"""
    run(sys.executable, "-c", program)


def test_without_libclang_the_package_is_named(monkeypatch) -> None:
    monkeypatch.setattr(process, "find_libclang", find := process.find_libclang)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(process.glob, "glob", lambda pattern: [])
    with pytest.raises(epy.HeaderError, match="pip install libclang-ng") as raised:
        find()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('#include "/dev/zero"\n', "libclang failed"),
        ("int " + "(" * 100_000 + "x;\n", "nest|expected|libclang"),
    ],
)
def test_what_breaks_clang_is_one_line(text, message) -> None:
    with pytest.raises(epy.HeaderError, match=message) as raised:
        epy.header(text)
    assert "\n" not in str(raised.value)
    assert epy.header("#define N 1\n").N == 1


def test_a_running_plugin_has_nothing_of_what_binds_libclang(build_plugin, native, run) -> None:
    plugin = build_plugin("""
import epy, sys
host = epy.header("int f(int a); long strtol(const char *text, char **end, int base);")
@host.export
def f(a):
    value, rest = host.strtol("12 more", epy.out, 10)
    print(value, [name for name in ("libclang", "types") if f"epy._c.{name}" in sys.modules])
    return a
""")
    assert run(native("call"), f"open {plugin}", "int f 1").stdout == "12 []\n1\n"
