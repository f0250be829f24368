// The storm: threads that open plugins, call them, let them import, run again and call back, look
// names up and close them, in an order that a seed gives. A library, for hosts of each kind; the
// plugins (test_storm.py) call storm_steps in here, with Python's lock held or without.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { plugins = 8, threads = 8, phases = 2, steps = 8, most_nested = 2, copies = 8 };

typedef int function(int);

// Of each thread: its own opened plugins, and those of which a function runs on it.
static __thread void *opened[plugins];
static __thread int runs[plugins];
static __thread int nested;

static unsigned next(unsigned *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void fail(const char *what, int plugin, int answer) {
    fprintf(stderr, "storm: plugin %d: %s: %d\n", plugin, what, answer);
    _Exit(70);
}

static void open_plugin(int number, unsigned random) {
    char path[64];
    snprintf(path, sizeof path, "./plugin%d.so", number);
    if (opened[number] == NULL) {
        opened[number] = dlopen(path, random % 2 == 0 ? RTLD_NOW : RTLD_LAZY);
    }
    if (opened[number] == NULL) {
        fprintf(stderr, "storm: %s\n", dlerror());
        _Exit(71);
    }
}

static void close_plugin(int number) {
    if (opened[number] != NULL && runs[number] == 0) {
        dlclose(opened[number]);
        opened[number] = NULL;
    }
}

static void call(int number, const char *name, int argument, int expected) {
    function *called = (function *)dlsym(opened[number], name);
    if (called == NULL || dlsym(opened[number], "missing") != NULL) {
        fail("dlsym", number, 0);
    }
    ++runs[number];
    const int answer = called(argument);
    --runs[number];
    if (answer != expected) {
        fail(name, number, answer);
    }
}

static void step(unsigned *seed) {
    const int number = next(seed) % plugins;
    const unsigned way = next(seed) % 16;
    if (way == 0) {
        close_plugin(number);
        return;
    }
    open_plugin(number, next(seed));
    if (way == 1) {
        call(number, "imports", next(seed) % copies, number);
    } else if (way == 2) {
        call(number, "again", 0, number);
    } else if (way < 5 && nested < most_nested) {
        ++nested;
        call(number, way == 3 ? "with_lock" : "without_lock", next(seed) >> 1, number);
        --nested;
    } else if (way < 12) {
        const int argument = next(seed) % 1000;
        call(number, "work", argument, 10 * argument + number);
    }
}

int storm_steps(int random, int count) {
    unsigned seed = (unsigned)random | 1;
    for (int i = 0; i < count; ++i) {
        step(&seed);
    }
    return 0;
}

static pthread_barrier_t all;

// Plugins go while nobody loads any, too: where a thread that has Python's lock waits for the
// dynamic loader's, which dlclose has, an unload waits for its two seconds. That happens, but
// seldom.
static void *run(void *random) {
    for (int phase = 0; phase < phases; ++phase) {
        pthread_barrier_wait(&all);
        storm_steps((int)(long)random + phase, steps);
        pthread_barrier_wait(&all);
        for (int i = 0; i < plugins; ++i) {
            close_plugin(i);
        }
    }
    return NULL;
}

int storm(int random) {
    unsigned seed = (unsigned)random * 2654435761U | 1;
    pthread_t started[threads];
    pthread_barrier_init(&all, NULL, threads);
    for (int i = 0; i < threads; ++i) {
        pthread_create(&started[i], NULL, run, (void *)(long)(next(&seed) >> 1));
    }
    for (int i = 0; i < threads; ++i) {
        pthread_join(started[i], NULL);
    }
    return 0;
}
