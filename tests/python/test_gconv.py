"""A first call that the host makes while it holds the lock of glibc's conversions."""

from __future__ import annotations

import pytest

CONVERTER = r"""
import epy, locale, os
from ctypes import c_int, c_void_p

def work():
    try:
        open(os.path.join(epy.plugin.folder, "fehlt-ö"))
    except FileNotFoundError as error:
        said = str(error)
    with open(os.path.join(epy.plugin.folder, "grün"), "a") as file:
        print(said, locale.setlocale(locale.LC_CTYPE), file=file)

if not epy.building:
    work()

@epy.export
def gconv_init(step: c_void_p) -> c_int:
    return 1                # no such conversion

@epy.export
def gconv(a: c_void_p, b: c_void_p, c: c_void_p, d: c_void_p, e: c_void_p, f: c_void_p,
          g: c_int, h: c_int) -> c_int:
    return 8
"""


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_a_converter_of_iconv_is_a_plugin(build_plugin, epy, run, tmp_path, locale):
    """Python's start and every OSError convert text; file names beyond ASCII are right."""
    folder = tmp_path / "ä"
    folder.mkdir()
    script = tmp_path / "toy.py"
    script.write_text(CONVERTER, encoding="utf-8")
    epy("build", script, "-o", folder / "TOY.so")
    (folder / "gconv-modules").write_text(
        f"module INTERNAL TOY// {folder}/TOY 1\nmodule TOY// INTERNAL {folder}/TOY 1\n"
    )
    environment = {"GCONV_PATH": str(folder), "LC_ALL": locale}
    run("iconv", "-f", "UTF-8", "-t", "TOY", stdin="x", status=1, env=environment)
    missing = folder / "fehlt-ö"
    text = f"[Errno 2] No such file or directory: '{missing}' {locale}\n"
    assert (folder / "grün").read_text(encoding="utf-8") == text


def test_a_start_leaves_the_locales_of_its_thread_as_they_are(build_plugin, compile_c, run):
    plugin = build_plugin(
        "import epy, locale\n"
        "seen = locale.setlocale(locale.LC_CTYPE)\n"
        "@epy.export('const char *seen_at_start(void)')\n"
        "def seen_at_start(): return seen.encode()\n"
    )
    host = compile_c(
        r"""
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <langinfo.h>
        #include <locale.h>
        #include <stdio.h>
        #include <stdlib.h>
        int main(int argc, char **argv) {
            setlocale(LC_ALL, "C.UTF-8");
            if (argc > 2) uselocale(newlocale(LC_ALL_MASK, "C.UTF-8", 0));
            const locale_t before = uselocale(0);
            const char *(*seen)(void) =
                (const char *(*)(void))dlsym(dlopen(argv[1], RTLD_NOW), "seen_at_start");
            const char *text = seen();
            printf("%s %d %s\n", text, uselocale(0) == before, nl_langinfo(CODESET));
        }
        """
    )
    assert run(host, plugin).stdout == "C.UTF-8 1 UTF-8\n"
    assert run(host, plugin, "own").stdout == "C.UTF-8 1 UTF-8\n"
