// Calls a plugin from many threads at once, which end and are replaced, and checks every result:
//
//   stress PLUGIN THREADS CALLS LIFE        each of THREADS makes CALLS calls in all, but a thread
//                                           ends after LIFE of them and another one goes on
//   stress PLUGIN THREADS CALLS LIFE RENEW  the same, of callbacks that the plugin replaces RENEW
//                                           times meanwhile: whoever calls a dropped one gets -5
//
// Prints the number of wrong results, of thread states that Python has at the end, and by how many
// KB the later three quarters let the process grow; for callbacks, how many calls were of dropped
// ones instead of the last two.
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "resident.h"

enum { most_threads = 64, callback_count = 16 };

static int (*add)(int, int);
static double (*scale)(double, double);
static const char *(*text)(int);
static int (*fail)(int);
static int (*states)(void);
static void (*renew)(int);

// What the plugin writes the addresses of callbacks to.
static _Atomic(int (*)(int)) callbacks[callback_count];

static int calls, life;
static atomic_int wrong, dropped, quarters;

static int is_wrong(int i) {
    char expected[32];
    switch (i % 4) {
    case 0:
        return add(i, 1000000) != i + 1000000;
    case 1:
        return scale(i, 0.5) != i * 0.5;
    case 2:
        snprintf(expected, sizeof expected, "number %d", i);
        return strcmp(text(i), expected) != 0;
    default:
        return i % 100 == 3 ? fail(i) != -7 : add(-i, i) != 0;
    }
}

static void *call(void *first) {
    const int begin = (int)(long)first;
    for (int i = begin; i < begin + life && i < calls; ++i) {
        wrong += is_wrong(i);
    }
    return NULL;
}

static void *call_callbacks(void *first) {
    const int begin = (int)(long)first;
    for (int i = begin; i < begin + life && i < calls; ++i) {
        const int which = i % callback_count;
        const int result = callbacks[which](i);
        dropped += result == -5;
        wrong += result != -5 && result != i * 100 + which;
    }
    return NULL;
}

typedef void *thread_function(void *);

// One thread after the other, until all calls are made.
static void *run_generations(void *function) {
    for (long first = 0; first < calls; first += life) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, (thread_function *)function, (void *)first) != 0) {
            abort();
        }
        pthread_join(thread, NULL);
        quarters += first < calls / 4 && first + life >= calls / 4;
    }
    return NULL;
}

static void *need(void *plugin, const char *name) {
    void *found = dlsym(plugin, name);
    if (found == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    return found;
}

int main(int argc, char **argv) {
    void *plugin = argc < 5 ? NULL : dlopen(argv[1], RTLD_NOW);
    if (plugin == NULL) {
        fprintf(stderr, "%s\n",
                argc < 5 ? "usage: stress PLUGIN THREADS CALLS LIFE [RENEW]" : dlerror());
        return 2;
    }
    const int threads = atoi(argv[2]);
    calls = atoi(argv[3]);
    life = atoi(argv[4]);
    const int renewals = argc > 5 ? atoi(argv[5]) : 0;
    states = (int (*)(void))need(plugin, "states");
    if (renewals != 0) {
        renew = (void (*)(int))need(plugin, "renew");
        ((void (*)(void *))need(plugin, "fill"))(callbacks);
    } else {
        add = (int (*)(int, int))need(plugin, "add");
        scale = (double (*)(double, double))need(plugin, "scale");
        text = (const char *(*)(int))need(plugin, "text");
        fail = (int (*)(int))need(plugin, "fail");
    }
    states();
    pthread_t all[most_threads];
    for (int i = 0; i < threads; ++i) {
        pthread_create(&all[i], NULL, run_generations,
                       (void *)(renewals != 0 ? call_callbacks : call));
    }
    for (int i = 0; i < renewals; ++i) {
        renew(i % callback_count);
    }
    while (quarters < threads) {
        usleep(1000);
    }
    const long before = resident_kilobytes();
    for (int i = 0; i < threads; ++i) {
        pthread_join(all[i], NULL);
    }
    printf("wrong: %d\nstates: %d\ngrowth: %ld\n", wrong, states(), resident_kilobytes() - before);
    if (renewals != 0) {
        printf("dropped: %d\n", dropped);
    }
    return 0;
}
