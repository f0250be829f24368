"""epy.h: scopes that keep Python's lock or give it away, and what Python takes back."""

from __future__ import annotations

import pytest

SCRIPT = """
import ctypes
import threading
import time
import epy
from ctypes import c_int

class Token(epy.Object):
    def __del__(self):
        print("gone")

tokens = []

@epy.export
def token() -> Token:
    tokens.append(Token())
    return tokens[-1]

@epy.export
def take_back(_: c_int) -> c_int:
    object = tokens.pop()
    epy.release(object)
    try:
        epy.release(object)
    except epy.InvalidHandleError as error:
        print(type(error).__name__)
    return 0

@epy.export
def add(a: c_int, b: c_int) -> c_int:
    return a + b

ticks = 0

def tick():
    global ticks
    while not stopped:
        ticks += 1
        time.sleep(0.001)

ticking = threading.Thread(target=tick, daemon=True)
stopped = False

@epy.export
def start(_: c_int) -> c_int:
    ticking.start()
    return 0

@epy.on_unload
def stop():
    global stopped
    stopped = True
    if ticking.is_alive():
        ticking.join()

@epy.export
def count(_: c_int) -> c_int:
    return ticks

@epy.export
def through(how: c_int) -> c_int:
    return ctypes.PyDLL(None).blocking(how)
"""

HOST = """
#define _GNU_SOURCE
#include <epy.h>
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOOK_UP(function, name) (*(void **)(&function) = dlsym(handle, name))

static int (*add)(int, int), (*start)(int), (*count)(int), (*through)(int), (*take_back)(int);
static epy_object *(*token)(void);

/* Python gets somewhere meanwhile. */
static void wait_for_ticks(void) {
    epy_scope pause;
    int before = count(0), now = before;
    while (now < before + 3) {
        epy_pause(&pause);
        usleep(1000);
        epy_resume(&pause);
        now = count(0);
    }
}

int blocking(int how) {
    wait_for_ticks();
    return how;
}

static void *batch(void *unused) {
    epy_scope outer, inner;
    assert(epy_enter(&outer) == 0);
    for (int i = 0; i < 1000; ++i) {
        assert(add(i, 1) == i + 1);
    }
    assert(epy_enter(&inner) == 0);
    assert(add(1, 1) == 2);
    epy_leave(&inner);
    wait_for_ticks();
    epy_leave(&outer);
    assert(add(1, 1) == 2);
    return unused;
}

int main(int argc, char **argv) {
    void *handle = dlopen(argv[argc - 1], RTLD_NOW);
    LOOK_UP(add, "add"); LOOK_UP(start, "start"); LOOK_UP(count, "count");
    LOOK_UP(through, "through"); LOOK_UP(take_back, "take_back"); LOOK_UP(token, "token");
    (void)batch;
    setvbuf(stdout, NULL, _IOLBF, 0);
    %s
    return 0;
}
"""


@pytest.fixture
def played(build_plugin, epy_host, run):
    def played(body):
        host = epy_host(HOST % body, "-rdynamic", "-pthread")
        return run(host, build_plugin(SCRIPT)).stdout

    return played


def test_a_batch_of_calls_keeps_the_lock_on_any_thread(played):
    played(
        """
        pthread_t threads[3];
        start(0);
        for (int i = 0; i < 3; ++i) pthread_create(&threads[i], NULL, batch, NULL);
        for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
        batch(NULL);
        """
    )


def test_a_function_that_python_called_with_the_lock_gives_it_away(played):
    played("start(0); assert(through(7) == 7); wait_for_ticks();")


@pytest.mark.once("no Python runs before the first plugin")
def test_a_scope_without_python_is_none(played):
    stdout = played(
        """
        epy_scope scope;
        memset(&scope, 0x55, sizeof scope);
        assert(epy_enter(&scope) == -1 && epy_enter(NULL) == -1);
        puts(epy_last_error());
        start(0);
        epy_leave(&scope);
        assert(epy_enter(&scope) == 0);
        epy_leave(&scope);
        epy_leave(&scope);
        epy_pause(&scope); epy_resume(&scope); epy_pause(NULL); epy_resume(NULL); epy_leave(NULL);
        assert(add(1, 2) == 3);
        epy_pause(&scope); epy_resume(&scope);
        """
    )
    assert stdout.startswith("epy.Error: no Python runs: start a plugin first")


def test_python_takes_a_reference_of_the_hosts_back(played):
    stdout = played(
        """
        epy_object *object = token();
        assert(epy_object_refcount(object) == 1);
        take_back(0);
        assert(epy_object_refcount(object) == 0);
        epy_object_release(object);
        """
    )
    assert stdout == "InvalidHandleError\ngone\n"
