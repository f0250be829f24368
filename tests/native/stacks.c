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
// came back to another stack is a lie, so the host checks a word on its own. In place of a NAME
//
//   +open       dlopen, without which main opens the plugin at first
//   +api        what epy.h offers: starts the plugin, calls fine(1) as Python has it, in a batch
//   +fork       a child calls fine(1); the result is its exit status
//   +close      dlclose
//   +exit       exit(3)
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "loader/include/epy.h"

static size_t small; // those of coroutines and signals

static int (*function)(int);
static int result;

// With a guard below: what runs over is seen.
enum { guard = 64 << 10 };

static void *new_stack(void) {
    char *made =
        mmap(NULL, small + guard, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED || mprotect(made, guard, PROT_NONE) != 0) {
        abort();
    }
    return made + guard;
}

static void free_stack(void *stack) { munmap((char *)stack - guard, small + guard); }

static const char *path;
static void *plugin;

static int open_plugin(int unused) {
    (void)unused;
    plugin = dlopen(path, RTLD_NOW);
    return plugin != NULL;
}

static int by_api(int number) {
    const epy_api *(*find)(void) = (const epy_api *(*)(void))dlsym(plugin, "epy_plugin_api");
    const epy_api *epy = find();
    epy_plugin *self = epy->plugin_of(plugin);
    epy_scope scope;
    int result = -2;
    if (epy->start(self) != 0 || epy->enter(&scope) != 0) {
        return -3;
    }
    epy->call_into(self, "fine", "i", &result, "i", number);
    epy->leave(&scope);
    return result;
}

static int in_child(int number) {
    const pid_t child = fork();
    if (child == 0) {
        _exit(((int (*)(int))dlsym(plugin, "fine"))(number));
    }
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int close_plugin(int unused) {
    (void)unused;
    return dlclose(plugin);
}

static int leave(int unused) {
    (void)unused;
    exit(3);
}

static const struct {
    const char *name;
    int (*function)(int);
} deeds[] = {{"+open", open_plugin},
             {"+api", by_api},
             {"+fork", in_child},
             {"+close", close_plugin},
             {"+exit", leave}};

static int (*find_function(const char *name))(int) {
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; ++i) {
        if (strcmp(deeds[i].name, name) == 0) {
            return deeds[i].function;
        }
    }
    return (int (*)(int))dlsym(plugin, name);
}

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
    there.uc_stack.ss_sp = new_stack();
    there.uc_stack.ss_size = small;
    there.uc_link = &here;
    makecontext(&there, call, 0);
    swapcontext(&here, &there);
    free_stack(there.uc_stack.ss_sp);
}

static void handle(int number) {
    (void)number;
    call();
}

static void interrupt(void) { raise(SIGUSR1); }

static void with_signal_stack(void (*then)(void)) {
    stack_t alternate = {.ss_sp = new_stack(), .ss_size = small};
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
    sigaltstack(&alternate, NULL);
    sigaction(SIGUSR1, &action, NULL);
    then();
    alternate.ss_flags = SS_DISABLE;
    sigaltstack(&alternate, NULL);
    free_stack(alternate.ss_sp);
}

int main(int argc, char **argv) {
    path = argc > 1 ? argv[1] : "";
    if (argc < 3 || (strstr(argv[2], ":+open") == NULL && !open_plugin(0))) {
        fprintf(stderr, "%s\n", argc > 2 ? dlerror() : "which plugin?");
        return 2;
    }
    for (int i = 2; i < argc; ++i) {
        const char *name = strchr(argv[i], ':');
        function = name == NULL ? NULL : find_function(name + 1);
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
