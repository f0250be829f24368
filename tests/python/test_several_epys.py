"""Plugins of several epys in one process: the newest that is there at the first call serves all."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from epy._file.elf import Image
from epy._file.tables import Tables

pytestmark = pytest.mark.once(
    "addresses of dropped callbacks, 4,096 of them, keep their error values"
)

PACKAGE = Path(os.environ["EPY_BUILD_DIR"]) / "python/epy"
OLDER = 2  # a contract
SCRIPT = """
import epy

@epy.export("const char *folder(void)", error="none")
def folder():
    return epy.__file__.rpartition("/")[0].encode()
"""
PACKED = "<epy>"

# PLUGIN...: opens all, then calls each; behind "call" what was opened before is called first.
HOST = """
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
int main(int count, char **arguments) {
    void *plugins[8];
    int opened = 0, called = 0;
    for (int i = 1; i <= count; ++i) {
        if (i < count && strcmp(arguments[i], "call") != 0) {
            plugins[opened++] = dlopen(arguments[i], RTLD_NOW);
            continue;
        }
        for (; called < opened; ++called) {
            puts(((const char *(*)(void))dlsym(plugins[called], "folder"))());
        }
    }
    return 0;
}
"""


@pytest.fixture
def older(run, tmp_path):
    """A plugin of an epy, in older/epy, that serves no later contract than OLDER."""
    package = tmp_path / "older/epy"
    shutil.copytree(PACKAGE, package)
    with open(package / "libepy.so", "r+b") as file:
        elf = ELFFile(file)
        (symbol,) = elf.get_section_by_name(".dynsym").get_symbol_by_name("epy_loader")
        section = elf.get_section(symbol["st_shndx"])
        file.seek(symbol["st_value"] - section["sh_addr"] + section["sh_offset"] + 4)
        file.write(OLDER.to_bytes(4, "little"))  # loader_api::newest_contract
    (tmp_path / "older.py").write_text(SCRIPT)
    path = {"PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    run(sys.executable, "-m", "epy", "build", "older.py", env=path)
    plugin = tmp_path / "older.so"
    image = Image(bytearray(plugin.read_bytes()), str(plugin))
    image.info().contract = OLDER
    Tables(image).stamp_checksums()
    plugin.write_bytes(image.data)
    return plugin


@pytest.fixture
def host(compile_c):
    return compile_c(HOST, "-lpthread")


@pytest.mark.parametrize("how", [(), ("--standalone",)])
def test_an_older_plugin_that_is_called_first_is_served_by_the_newer_one_s_epy(
    older, build_plugin, host, run, how
):
    newer = build_plugin(SCRIPT, *how)
    result = run(host, older, newer)
    assert (result.stdout, result.stderr) == (2 * f"{PACKED if how else PACKAGE}\n", "")


def test_alone_it_takes_its_own(older, host, run):
    result = run(host, older)
    assert (result.stdout, result.stderr) == (f"{older.parent}/older/epy\n", "")


def test_a_newer_plugin_that_comes_later_says_so_and_the_older_goes_on(
    older, build_plugin, host, run
):
    result = run(host, older, "call", build_plugin(SCRIPT, "--standalone"), "call", older)
    assert result.stdout == f"{older.parent}/older/epy\nnone\n{older.parent}/older/epy\n"
    (line,) = result.stderr.splitlines()
    for part in ("plugin.so", "older than the one that built this plugin", "before any other"):
        assert part in line


def test_where_the_newer_one_s_epy_has_gone_the_older_takes_its_own(
    older, build_plugin, host, run, tmp_path
):
    moved = tmp_path / "gone/epy"
    shutil.copytree(PACKAGE, moved)
    path = {"PYTHONPATH": str(moved.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    (tmp_path / "newer.py").write_text(SCRIPT)
    run(sys.executable, "-m", "epy", "build", "newer.py", env=path)
    shutil.rmtree(moved)
    result = run(host, older, tmp_path / "newer.so", env={"PATH": "/nowhere"})
    assert result.stdout == f"{older.parent}/older/epy\nnone\n"
    (line,) = result.stderr.splitlines()
    assert "newer.so: cannot open epy's loader: no file" in line


# Two threads make first calls; each makes the file for its loader when the other is about to, too.
THREADS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
static pthread_barrier_t both;
int memfd_create(const char *name, unsigned flags) {
    if (strcmp(name, "libepy.so") == 0) {
        pthread_barrier_wait(&both);
    }
    return (int)syscall(SYS_memfd_create, name, flags);
}
static void *call(void *plugin) {
    return strdup(((const char *(*)(void))dlsym(plugin, "folder"))()); // that ends with the thread
}
int main(int count, char **arguments) {
    pthread_t threads[2];
    void *answer;
    pthread_barrier_init(&both, NULL, 2);
    for (int i = 0; i < 2; ++i) {
        pthread_create(&threads[i], NULL, call, dlopen(arguments[count - 2 + i], RTLD_NOW));
    }
    for (int i = 0; i < 2; ++i) {
        pthread_join(threads[i], &answer);
        puts(answer);
    }
    char line[4352];
    FILE *maps = fopen("/proc/self/maps", "r");
    int cores = 0;
    while (fgets(line, sizeof line, maps) != NULL) {
        cores += strstr(line, " 00000000 ") != NULL && strstr(line, "epy-core.so") != NULL;
    }
    printf("%d\\n", cores);
    return 0;
}
"""


@pytest.mark.parametrize("second", ["one", "two"])
def test_threads_that_bring_loaders_at_once_use_one(build_plugin, compile_c, run, second):
    """Each would start Python, with a core of its own."""
    host = compile_c(THREADS, "-rdynamic", "-lpthread")
    first = build_plugin(SCRIPT, "--standalone", name="one")
    result = run(host, first, build_plugin(SCRIPT, "--standalone", name=second))
    assert (result.stdout, result.stderr) == (f"{PACKED}\n{PACKED}\n1\n", "")
