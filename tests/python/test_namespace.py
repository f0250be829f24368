"""Where Python cannot run: a namespace of its own, a static program. No sanitizer's library can."""

import pytest
from plugin_scripts import ADD_AND_ONE

LAZY_AND_EAGER = pytest.mark.parametrize("options", [[], ["--eager"]], ids=["lazy", "eager"])


@LAZY_AND_EAGER
def test_a_plugin_in_a_namespace_of_its_own_is_refused(build_plugin, native, run, options):
    """Also in one that has no C library yet."""
    plugin = build_plugin(ADD_AND_ONE, *options)
    calls = ["int add 2 3", "int one", "close", "python"]
    result = run(native("call"), f"dlmopen {plugin}", *calls)
    assert result.stdout.splitlines() == ["-1", "-2", "python: no"]
    assert result.stderr == (
        f"epy: {plugin}: loaded by dlmopen into a namespace of its own, where Python cannot run; "
        "load it with dlopen\n"
    )


@LAZY_AND_EAGER
def test_the_dynamic_linker_ignores_a_plugin_as_an_audit_library(build_plugin, run, options):
    plugin = build_plugin(ADD_AND_ONE, *options)
    result = run("echo", "runs", env={"LD_AUDIT": str(plugin)})
    assert result.stdout == "runs\n"
    assert "cannot be loaded as audit interface" in result.stderr


def test_ldd_shows_what_a_plugin_needs(build_plugin, run):
    shown = run("ldd", build_plugin(ADD_AND_ONE))
    assert "libc.so.6 => " in shown.stdout
    assert shown.stderr == ""


@LAZY_AND_EAGER
def test_a_plugin_in_a_static_program_is_refused(build_plugin, compile_c, run, options):
    plugin = build_plugin(ADD_AND_ONE, *options)
    host = compile_c(
        """
        #include <dlfcn.h>
        #include <stdio.h>
        int main(int argc, char **argv) {
            void *plugin = dlopen(argv[argc - 1], RTLD_NOW);
            int (*add)(int, int) = (int (*)(int, int))dlsym(plugin, "add");
            int (*one)(void) = (int (*)(void))dlsym(plugin, "one");
            printf("%d %d\\n", add(2, 3), one());
            dlclose(plugin);
            puts("closed");
        }
        """,
        "-static",
    )
    result = run(host, plugin)
    assert result.stdout == "-1 -2\nclosed\n"
    assert result.stderr == (
        f"epy: {plugin}: loaded by a static program, where Python cannot run; "
        "link the program without -static\n"
    )


def test_why_no_plugin_has_a_whole_python_for_itself(compile_c, run, tmp_path):
    """What docs/living.md says of a second C library, which `dlmopen` gives it."""
    (tmp_path / "inner.c").write_text(
        """
        #include <errno.h>
        #include <pthread.h>
        #include <stdio.h>
        #include <stdlib.h>
        static int forked;
        static void note_fork(void) { forked = 1; }
        static pthread_key_t key;
        void begin(void) { pthread_atfork(note_fork, NULL, NULL); pthread_key_create(&key, NULL); }
        int has_forked(void) { return forked; }
        void keep(void) { pthread_setspecific(key, (void *)7); }
        void set(void) { errno = EDOM; setenv("SET", "1", 1); fputs("buffered", stdout); }
        """
    )
    run("cc", "-shared", "-fPIC", "-o", tmp_path / "inner.so", tmp_path / "inner.c")
    host = compile_c(
        """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <pthread.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <sys/wait.h>
        #include <unistd.h>
        #define CALL(name) ((int (*)(void))dlsym(inner, name))()
        int main(void) {
            void *inner = dlmopen(LM_ID_NEWLM, "./inner.so", RTLD_NOW);
            pthread_key_t key;
            pthread_key_create(&key, NULL);
            pthread_setspecific(key, (void *)5);
            CALL("begin");
            CALL("keep");
            errno = 0;
            CALL("set");
            const int number = errno;
            if (fork() == 0) _exit(0);
            wait(NULL);
            printf("%d %s %d %ld\\n", number, getenv("SET") == NULL ? "unset" : "set",
                   CALL("has_forked"), (long)pthread_getspecific(key));
        }
        """
    )
    assert run(host).stdout == "0 unset 0 7\n"
