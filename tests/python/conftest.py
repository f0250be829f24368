"""What several files of tests share."""

import os
import shlex
import shutil
import sysconfig
from pathlib import Path

import pytest

HOST = """
#include <complex.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

static void *plugin;
#define F(type, name) ((type)dlsym(plugin, name))

%s

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    plugin = dlopen(argv[argc - 1], RTLD_NOW);
    run();
    return 0;
}
"""


@pytest.fixture
def linked_with_python() -> list[str]:
    """What links a host with the libpython that the tests run in."""
    folder, name = sysconfig.get_config_vars("LIBDIR", "INSTSONAME")
    return [f"-L{folder}", f"-l:{name}", f"-Wl,-rpath,{folder}"]


@pytest.fixture
def mistake(epy):
    """`mistake("build", ...)`: the message of a command that fails, which is all that it prints."""

    def mistake(*arguments):
        result = epy(*arguments, status=2)
        assert result.stdout == ""
        assert result.stderr.startswith("epy: ")
        assert result.stderr.count("\n") == 1, result.stderr
        return result.stderr[5:-1]

    return mistake


@pytest.fixture
def check(build_plugin, compile_c, run):
    """`check(c, script)`: what the host prints, line by line, and its stderr. `c` defines run()."""

    def check(c: str, script: str) -> tuple[list[str], str]:
        host = compile_c(HOST % c, "-rdynamic", "-ldl", "-lpthread")
        result = run(host, build_plugin("from ctypes import *\nimport epy\n" + script))
        return result.stdout.splitlines(), result.stderr

    return check


class Machine:
    """A folder that is all of a machine."""

    def __init__(self, root, run):
        self.root = root
        self._run = run

    def make(self):
        """What every machine has: the C library."""
        for name in ("tmp", "dev", "proc", "home"):
            (self.root / name).mkdir(parents=True)
        (self.root / "tmp").chmod(0o1777)
        self.add_libraries("/bin/true")
        for library in ("libgcc_s.so.1", "libm.so.6"):
            self.add(f"/lib/x86_64-linux-gnu/{library}")

    def add(self, path, to=None):
        """A file of this machine, in the same place or another one; returns its path there."""
        place = self.root / str(to or path).lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
        return "/" + place.relative_to(self.root).as_posix()

    def add_libraries(self, path):
        """Those that an object needs."""
        for line in self._run("ldd", path).stdout.splitlines():
            library = next((word for word in line.split() if word.startswith("/")), None)
            if library is not None:
                self.add(library)

    def add_python(self):
        """The shared library of the Python that runs the tests, and what it cannot do without."""
        folder = Path(sysconfig.get_path("stdlib"))
        self.add(LIBPYTHON)
        self.add_libraries(LIBPYTHON)
        shutil.copytree(
            folder,
            self.root / str(folder).lstrip("/"),
            ignore=shutil.ignore_patterns(
                *("test", "tests", "idlelib", "lib2to3", "config-*", "__pycache__"),
                *("ensurepip", "dist-packages", "site-packages", "tkinter", "pydoc_data"),
            ),
            dirs_exist_ok=True,
        )
        for extension in (self.root / str(folder).lstrip("/")).glob("lib-dynload/_ctypes.*.so"):
            self.add_libraries(extension)

    def run(self, *command, proc=True, noexec=(), read_only=False, user=None, env=None, status=0):
        """A program there, as `user` or root; without /proc nothing can be opened from memory.

        Nothing in the folders `noexec`, which are empty, can be run or mapped as code. `read_only`:
        nothing can be written anywhere."""
        mounted = 'mount --bind "$0" "$0" && ' if read_only else ""
        mounted += 'mount --rbind /proc "$0/proc" && ' if proc else ""
        for folder in noexec:
            (self.root / folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
            mounted += f'mount -t tmpfs -o noexec,mode=1777 none "$0{folder}" && '
        mounted += 'mount -o remount,bind,ro "$0" && ' if read_only else ""
        changed = f"--userspec={user}" if user else ""
        script = f'{mounted}exec /usr/bin/env -i {{}} /usr/sbin/chroot {changed} "$0" "$@"'
        settings = (shlex.quote(f"{name}={value}") for name, value in (env or {}).items())
        mapped = () if os.geteuid() == 0 else ("--user", "--map-root-user")
        return self._run(
            *("unshare", *mapped, "--mount", "sh", "-c", script.format(" ".join(settings))),
            *(self.root, *command),
            status=status,
        )


LIBPYTHON = f"{sysconfig.get_config_var('LIBDIR')}/{sysconfig.get_config_var('INSTSONAME')}"


@pytest.fixture
def machine(run, tmp_path):
    """A `Machine` with nothing but what is put there; "not run" where this user can have none."""
    made = Machine(tmp_path / "machine", run)
    made.make()
    probe = made.add("/bin/true")
    if made.run(probe, status=None).returncode != 0:
        pytest.skip("not run: a folder cannot be a machine for this user (chroot, mount)")
    return made


@pytest.fixture
def debian(run, tmp_path):
    """`debian("trixie", "libpython3.13")`: a `Machine` with that release, and packages of it."""

    def debian(suite, *packages):
        archive = run(Path(__file__).parents[1] / "debian.sh", suite, *packages).stdout.strip()
        root = tmp_path / suite
        root.mkdir()
        run("tar", "--extract", "--file", archive, "--directory", root)
        return Machine(root, run)

    return debian
