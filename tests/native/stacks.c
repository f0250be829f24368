// Calls int NAME(int) of a plugin on stacks of all kinds. Each argument after FILE is KIND:NAME
// with
//
//   main        the main thread
//   64, 256...  a thread whose stack has so many KiB
//   coroutine   a stack of 64 KiB that the C library's contexts switch to
//   signal      a signal handler on an alternate stack of 64 KiB
//   both        a coroutine, in which the plugin may raise SIGUSR1
//
// (coroutine16 and signal16 have 16 KiB) and prints KIND:NAME = result. The result of a call that
// came back to another stack is a lie, so the host checks a word on its own.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

static size_t small; // those of coroutines and signals

static int (*function)(int);
static int result;

static void call(void) {
    volatile int word = 0x5eed;
    result = function(1);
    if (word != 0x5eed) {
        abort();
    }
}

static void *in_thread(void *unused) {
    call();
    return unused;
}

static void on_thread(size_t size) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (pthread_attr_setstacksize(&attributes, size) != 0 ||
        pthread_create(&thread, &attributes, in_thread, NULL) != 0) {
        abort();
    }
    pthread_join(thread, NULL);
}

static void on_coroutine(void) {
    static ucontext_t here, there;
    getcontext(&there);
    there.uc_stack.ss_sp = malloc(small);
    there.uc_stack.ss_size = small;
    there.uc_link = &here;
    makecontext(&there, call, 0);
    swapcontext(&here, &there);
    free(there.uc_stack.ss_sp);
}

static void handle(int number) {
    (void)number;
    call();
}

static void interrupt(void) { raise(SIGUSR1); }

static void with_signal_stack(void (*then)(void)) {
    stack_t alternate = {.ss_sp = malloc(small), .ss_size = small};
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
    sigaltstack(&alternate, NULL);
    sigaction(SIGUSR1, &action, NULL);
    then();
    alternate.ss_flags = SS_DISABLE;
    sigaltstack(&alternate, NULL);
    free(alternate.ss_sp);
}

int main(int argc, char **argv) {
    void *plugin = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (plugin == NULL) {
        fprintf(stderr, "%s\n", argc > 1 ? dlerror() : "which plugin?");
        return 2;
    }
    for (int i = 2; i < argc; ++i) {
        const char *name = strchr(argv[i], ':');
        function = name == NULL ? NULL : (int (*)(int))dlsym(plugin, name + 1);
        if (function == NULL) {
            fprintf(stderr, "%s\n", dlerror());
            return 2;
        }
        const size_t size = (size_t)atoi(argv[i] + strcspn(argv[i], "0123456789:")) << 10;
        small = size == 0 ? 64 << 10 : size;
        if (strncmp(argv[i], "main", 4) == 0) {
            call();
        } else if (strncmp(argv[i], "coroutine", 9) == 0) {
            on_coroutine();
        } else if (strncmp(argv[i], "signal", 6) == 0) {
            with_signal_stack(interrupt);
        } else if (strncmp(argv[i], "both", 4) == 0) {
            with_signal_stack(on_coroutine);
        } else {
            on_thread(size);
        }
        printf("%s = %d\n", argv[i], result);
        fflush(stdout);
    }
    return 0;
}
