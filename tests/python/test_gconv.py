"""Calls that the host makes while it holds the lock of glibc's conversions.

Python converts text by locale when it starts, and for the message of every OSError.
"""

from __future__ import annotations

import os
import struct

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
    work()
    return 1                # no such conversion

@epy.export
def gconv(a: c_void_p, b: c_void_p, c: c_void_p, d: c_void_p, e: c_void_p, f: c_void_p,
          g: c_int, h: c_int) -> c_int:
    return 8
"""


@pytest.fixture
def converter(epy, tmp_path):
    """The folder of a converter of iconv, TOY, that is a plugin."""
    folder = tmp_path / "ä"
    folder.mkdir()
    script = tmp_path / "toy.py"
    script.write_text(CONVERTER, encoding="utf-8")
    epy("build", script, "-o", folder / "TOY.so")
    (folder / "gconv-modules").write_text(
        f"module INTERNAL TOY// {folder}/TOY 1\nmodule TOY// INTERNAL {folder}/TOY 1\n"
    )
    return folder


def written(converter):
    return (converter / "grün").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_a_converter_of_iconv_is_a_plugin(converter, run, locale):
    """Its start and each call come with the lock held; file names beyond ASCII are right."""
    environment = {"GCONV_PATH": str(converter), "LC_ALL": locale}
    run("iconv", "-f", "UTF-8", "-t", "TOY", stdin="x", status=1, env=environment)
    text = f"[Errno 2] No such file or directory: '{converter / 'fehlt-ö'}' {locale}"
    lines = written(converter)
    assert len(lines) >= 2
    assert set(lines) == {text}


SETS_ITS_LOCALE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <iconv.h>
#include <locale.h>
#include <stdio.h>

// TOY.so [own]: the plugin starts in the C locale; another one is set before iconv has the lock.
int main(int argc, char **argv) {
    int (*gconv_init)(void *) = (int (*)(void *))dlsym(dlopen(argv[1], RTLD_NOW), "gconv_init");
    printf("%d\n", gconv_init(NULL));
    if (argc > 2) {
        uselocale(newlocale(LC_ALL_MASK, "C.UTF-8", 0));
    } else {
        setlocale(LC_ALL, "C.UTF-8");
    }
    printf("%d\n", iconv_open("TOY", "UTF-8") == (iconv_t)-1);
}
"""


@pytest.mark.parametrize("own", [(), ("own",)])
def test_a_locale_that_is_set_after_the_start(converter, compile_c, run, own):
    environment = {"GCONV_PATH": str(converter), "LC_ALL": "C"}
    result = run(compile_c(SETS_ITS_LOCALE), converter / "TOY.so", *own, env=environment)
    assert result.stdout == "1\n1\n"
    assert len(written(converter)) >= 3


KEEPS_THE_GIL = """
import ctypes, epy, os

@epy.export("int work(void (*wait)(void))")
def work(wait):
    ctypes.PYFUNCTYPE(None)(ctypes.cast(wait, ctypes.c_void_p).value)()
    return len(os.strerror(2))  # with the GIL, which is not given up in between

@epy.export("int of_converter(void)")
def of_converter():
    return 3
"""

CONVERTER_IN_C = r"""
#include <gconv.h>
extern int called_by_converter(void);
int gconv_init(struct __gconv_step *step) { return called_by_converter(), __GCONV_NOCONV; }
int gconv(struct __gconv_step *a, struct __gconv_step_data *b, const unsigned char **c,
          const unsigned char *d, unsigned char **e, size_t *f, int g, int h) {
    return __GCONV_INTERNAL_ERROR;
}
"""

TWO_THREADS = r"""
#include <dlfcn.h>
#include <iconv.h>
#include <locale.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static atomic_int has_the_gil, has_the_lock;
static int (*of_converter)(void);

int called_by_converter(void) {
    has_the_lock = 1;
    printf("converter: %d\n", of_converter());
    return 0;
}

static void wait_for_the_lock(void) {
    has_the_gil = 1;
    while (!has_the_lock) {
        // no longer than that: after 5 ms of waiting for the GIL the other one would ask for it
    }
}

static void *convert(void *unused) {
    while (!has_the_gil) usleep(1000);
    iconv_open("TOY", "UTF-8");
    return unused;
}

int main(int argc, char **argv) {
    pthread_t thread;
    void *plugin = dlopen(argv[1], RTLD_NOW);
    int (*work)(void (*)(void)) = (int (*)(void (*)(void)))dlsym(plugin, "work");
    of_converter = (int (*)(void))dlsym(plugin, "of_converter");
    of_converter();
    setlocale(LC_ALL, "C.UTF-8");
    pthread_create(&thread, NULL, convert, NULL);
    printf("length: %d\n", work(wait_for_the_lock));
    pthread_join(thread, NULL);
}
"""


@pytest.mark.once("the C library loads a converter once")
def test_who_has_the_gil_does_not_wait_for_a_converter_that_waits_for_the_gil(
    build_plugin, compile_c, run, tmp_path
):
    plugin = build_plugin(KEEPS_THE_GIL)
    host = compile_c(TWO_THREADS, "-pthread", "-rdynamic")
    compile_c(CONVERTER_IN_C, "-shared", "-fPIC", name="TOY.so")
    (tmp_path / "gconv-modules").write_text(
        f"module INTERNAL TOY// {tmp_path}/TOY 1\nmodule TOY// INTERNAL {tmp_path}/TOY 1\n"
    )
    result = run(host, plugin, env={"GCONV_PATH": str(tmp_path), "LC_ALL": "C"})
    assert result.stderr == ""
    assert {*result.stdout.splitlines()} == {f"length: {len(os.strerror(2))}", "converter: 3"}


TRANSLATED = """
import errno, epy, os

@epy.export("const char *message(void)")
def message():
    return f"{os.strerror(errno.EINVAL)} {OSError(errno.EINVAL, os.strerror(errno.EINVAL))}"
"""


@pytest.mark.parametrize("charset", ["ISO-8859-1", "UTF-8"])
def test_messages_are_those_of_the_hosts_locale(build_plugin, compile_c, run, tmp_path, charset):
    """Also of one that is set after the start, with letters that are not UTF-8."""
    run("localedef", "--no-archive", "-i", "de_DE", "-f", charset, tmp_path / f"de_DE.{charset}")
    host = compile_c(
        r"""
        #include <dlfcn.h>
        #include <locale.h>
        #include <stdio.h>
        int main(int argc, char **argv) {
            const char *(*message)(void) =
                (const char *(*)(void))dlsym(dlopen(argv[1], RTLD_NOW), "message");
            puts(message());
            printf("%d\n", setlocale(LC_ALL, argv[2]) != NULL);
            puts(message());
            setlocale(LC_ALL, "C");
            puts(message());
        }
        """
    )
    environment = {"LOCPATH": str(tmp_path), "LC_ALL": "C", "LANGUAGE": None}
    result = run(host, build_plugin(TRANSLATED), f"de_DE.{charset}", env=environment)
    english = "Invalid argument [Errno 22] Invalid argument"
    german = "Das Argument ist ungültig [Errno 22] Das Argument ist ungültig"
    assert result.stdout.splitlines() == [english, "1", german, english]


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


OF_OTHERS = r"""
import _locale, ctypes, epy, os, socket

_locale.bindtextdomain("toy", epy.plugin.folder if not epy.building else None)

def work(where):
    texts = [_locale.dgettext("toy", "hello")]
    for function in (lambda: ctypes.CDLL("missing.so"),
                     lambda: socket.getaddrinfo("::1", "x", flags=socket.AI_NUMERICSERV)):
        try:
            function()
        except OSError as error:
            texts.append(error.strerror or str(error))
    print(where, *texts, sep="|", flush=True)

@epy.export("int gconv_init(void *step)")
def gconv_init(step):
    work("lock" if step else "free")
    return 1                # no such conversion

@epy.export("int gconv(void *, void *, void *, void *, void *, void *, int, int)")
def gconv(*arguments):
    return 8
"""


def write_catalogue(path, texts):
    """A file of gettext's, as msgfmt writes it."""
    header = "Content-Type: text/plain; charset=UTF-8\n"
    entries = sorted((a.encode(), b.encode()) for a, b in {"": header, **texts}.items())
    tables = [b"", b""]
    place, data = 28 + 16 * len(entries), b""
    for side in (0, 1):
        for entry in entries:
            tables[side] += struct.pack("=II", len(entry[side]), place + len(data))
            data += entry[side] + b"\0"
    begin = struct.pack("=7I", 0x950412DE, 0, len(entries), 28, 28 + 8 * len(entries), 0, 0)
    path.parent.mkdir(parents=True)
    path.write_bytes(begin + tables[0] + tables[1] + data)


@pytest.mark.parametrize("charset", ["ISO-8859-1", "UTF-8"])
def test_other_catalogues_and_extension_modules(epy, compile_c, run, tmp_path, charset):
    """Of ctypes' dlerror, for one. With the lock held texts may be English."""
    run("localedef", "--no-archive", "-i", "de_DE", "-f", charset, tmp_path / f"de_DE.{charset}")
    write_catalogue(tmp_path / "de" / "LC_MESSAGES" / "toy.mo", {"hello": "grüß"})
    script = tmp_path / "toy.py"
    script.write_text(OF_OTHERS, encoding="utf-8")
    epy("build", script, "-o", tmp_path / "TOY.so")
    (tmp_path / "gconv-modules").write_text(
        f"module INTERNAL TOY// {tmp_path}/TOY 1\nmodule TOY// INTERNAL {tmp_path}/TOY 1\n"
    )
    host = compile_c(
        r"""
        #include <dlfcn.h>
        #include <iconv.h>
        #include <locale.h>
        #include <stdio.h>
        int main(int argc, char **argv) {
            int (*work)(void *) = (int (*)(void *))dlsym(dlopen(argv[1], RTLD_NOW), "gconv_init");
            work(NULL);
            printf("%d\n", setlocale(LC_ALL, argv[2]) != NULL);
            fflush(stdout);
            if (argc > 3) iconv_open("TOY", "UTF-8");
            else work(NULL);
        }
        """
    )
    environment = {"GCONV_PATH": str(tmp_path), "LOCPATH": str(tmp_path), "LC_ALL": "C"}

    def texts(*arguments):
        lines = run(
            *(host, tmp_path / "TOY.so", f"de_DE.{charset}", *arguments),
            env={**environment, "LANGUAGE": None},
        ).stdout.splitlines()
        assert lines.pop(1) == "1"
        return [line.split("|") for line in lines]

    english, german = texts()
    assert [english[:2], german[:2]] == [["free", "hello"], ["free", "grüß"]]
    assert not {*english[2:]} & {*german[2:]}
    first, *locked = texts("locked")
    assert first == english and locked
    for text in locked:
        assert all(one in (*english, *german, "lock") for one in text), text
