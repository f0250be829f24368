"""Hosts that have taken all thread-specific keys of the process (PTHREAD_KEYS_MAX).

What epy keeps for a thread goes without: nothing of anybody else's key is touched.
"""

from __future__ import annotations

SCRIPT = """
import epy
from ctypes import c_int

@epy.export(error=-1)
def check(number: c_int) -> c_int:
    if number < 0:
        raise ValueError(number)
    return number
"""
HOST = """
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include "epy.h"

static int (*check)(int);

static void *call(void *ignored) {
    for (int number = 1; number <= 3; ++number) {
        printf("%d ", check(number));
    }
    return ignored;
}

int main(void) {
    pthread_key_t key;
    pthread_t thread;
    pthread_attr_t small;
    void *plugin = dlopen("./plugin.so", RTLD_NOW);
    *(void **)&check = dlsym(plugin, "check");
    printf("%d ", check(4));
    while (pthread_key_create(&key, NULL) == 0) {
    }
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 128 << 10);
    for (int i = 0; i < 3; ++i) {
        pthread_create(&thread, &small, call, NULL);
        pthread_join(thread, NULL);
    }
    printf("%d ", check(-1));
    fflush(stdout);
    printf("%s ", epy_last_error() == NULL ? "none" : "some");
    printf("%d\\n", check(5));
    return 0;
}
"""


def test_small_stacks_and_last_errors_do_without(build_plugin, epy_host, run):
    build_plugin(SCRIPT)
    result = run(epy_host(HOST))
    words = result.stdout.split()
    assert words == [*"4 1 2 3 1 2 3 1 2 3 -1".split(), words[-2], "5"]
    assert words[-2] in ("none", "some")  # some: the loader had its key before
    assert result.stderr.count("ValueError: -1") == 1
