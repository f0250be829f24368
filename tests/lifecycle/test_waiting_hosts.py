"""A host that waits for what a plugin does in another thread is told whom it waits for."""

from __future__ import annotations

SCRIPT = """
import epy

@epy.export("int one(void)", error=-1)
def one():
    return 1
"""
HOST = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void Py_InitializeEx(int);
int PyGILState_Check(void), Py_FinalizeEx(void);
void *PyEval_SaveThread(void);
void PyEval_RestoreThread(void *);

static _Thread_local int starts;
static atomic_int starting;

// Python's start asks for variables, and has to wait for the answer.
char *getenv(const char *name) {
    Dl_info caller;
    if (starts && !starting && dladdr(__builtin_return_address(0), &caller) != 0 &&
        strstr(caller.dli_fname, "libpython") != NULL) {
        starting = 1;
        sleep(7);
    }
    return ((char *(*)(const char *))dlsym(RTLD_NEXT, "getenv"))(name);
}

static void *call(void *one) {
    starts = 1;
    printf("%d\n", ((int (*)(void))one)());
    return NULL;
}

int main(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, call, dlsym(dlopen("./plugin.so", RTLD_NOW), "one"));
    while (!starting) usleep(1000);
    Py_InitializeEx(0);
    const int held = PyGILState_Check();
    void *state = PyEval_SaveThread();
    pthread_join(thread, NULL);
    PyEval_RestoreThread(state);
    printf("%d %d\n", held, Py_FinalizeEx());
}
"""


def test_an_initialization_waits_for_a_plugin_that_starts_python(
    build_for, python, run, tmp_path, compile_c
):
    build_for(SCRIPT)
    rpath = f"-Wl,-rpath,{python.library.parent}"
    host = compile_c(HOST, "-rdynamic", "-pthread", str(python.library), rpath)
    result = run(host)
    assert result.stdout == "1\n1 0\n"
    assert result.stderr == (
        "epy: the host's initialization of Python: has been waiting for 5 s for a plugin that "
        "starts Python\n"
    )
