"""A host of epy.h whose main function is what a test writes."""

from __future__ import annotations

from typing import Any

import pytest

_HOST = """
#include <epy.h>
#undef NDEBUG
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static epy_plugin *plugin;
static epy_object *shared; /* of the functions' */
/* Exports; NULL where the script has none. */
static int (*add)(int, int), (*fail)(int), (*ask)(int);

/* A call on another thread: waits for ever if Python's lock is not free. */
static void *call(void *unused) {
    assert(add(1, 2) == 3);
    return unused;
}
static void call_elsewhere(void) {
    pthread_t thread;
    assert(pthread_create(&thread, NULL, call, NULL) == 0);
    assert(pthread_join(thread, NULL) == 0);
}

%s
int main(int argc, char **argv) {
    void *handle = dlopen(argv[argc - 1], RTLD_NOW);
    setvbuf(stdout, NULL, _IOLBF, 0);
    plugin = epy_plugin_of(handle);
    *(void **)&add = dlsym(handle, "add");
    *(void **)&fail = dlsym(handle, "fail");
    *(void **)&ask = dlsym(handle, "ask");
    (void)shared, (void)fail, (void)ask, (void)call_elsewhere;
    %s
    return 0;
}
"""
_OF_HOST = "int of_host(int what) { return what; }"


@pytest.fixture
def embedding_host(epy_host) -> Any:
    """`embedding_host(body, functions)`: the program alone. Its last argument is the plugin."""

    def embedding_host(body: str, functions: str = "") -> Any:
        if "int of_host(" not in functions:
            functions = _OF_HOST + functions
        return epy_host(_HOST % (functions, body), "-rdynamic", "-pthread")

    return embedding_host


@pytest.fixture
def play(embedding_host, build_plugin, run) -> Any:
    """`play(script, body, functions)`: the result of a host with that body of its main function.

    `functions` are the host's, which scripts find in it; `of_host` is there if they have none.
    """

    def play(script: str, body: str, functions: str = "") -> Any:
        return run(embedding_host(body, functions), build_plugin(script))

    return play
