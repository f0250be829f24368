// Measures what a host sees of a shared object, each round over all FILEs in turn, so that a slow
// moment of the machine hits them alike. Prints one line a round: nanoseconds for each FILE.
//
//   open ROUNDS FILE...     dlopen (followed by dlclose, not measured)
//   dlsym ROUNDS FILE...    one look-up among f0 to f99
//   call ROUNDS FILE...     one call of int add(int, int)
//   call-each FILE...       dlopen and the first call of int add(int, int) in each, one after the
//                           other. Prints the KB of memory that the process has written to, its own
//                           alone, after the first and after the last, and the nanoseconds of each
//   start FILE              dlopen, and the process ends: to count instructions
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { function_count = 100, call_count = 100000, most_files = 8, most_plugins = 64 };

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void fail(const char *what) {
    fprintf(stderr, "host: %s: %s\n", what, dlerror());
    exit(1);
}

static void *open_file(const char *file) {
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        fail(file);
    }
    return handle;
}

static double open_and_close(const char *file) {
    const double start = now();
    void *handle = open_file(file);
    const double end = now();
    dlclose(handle);
    if (dlopen(file, RTLD_NOW | RTLD_NOLOAD) != NULL) {
        fprintf(stderr, "host: %s was not unmapped\n", file);
        exit(1);
    }
    return end - start;
}

static double look_up(void *handle) {
    static char names[function_count][8];
    for (int i = 0; i < function_count; ++i) {
        snprintf(names[i], sizeof names[i], "f%d", i);
    }
    const double start = now();
    for (int i = 0; i < function_count; ++i) {
        if (dlsym(handle, names[i]) == NULL) {
            fail(names[i]);
        }
    }
    return (now() - start) / function_count;
}

typedef int add_function(int, int);

static add_function *find_add(void *handle) {
    add_function *found = (add_function *)dlsym(handle, "add");
    if (found == NULL || found(1, 2) != 3) {
        fail("add");
    }
    return found;
}

static double call(add_function *add) {
    int sum = 0;
    const double start = now();
    for (int i = 0; i < call_count; ++i) {
        sum = add(sum, i & 1);
    }
    const double end = now();
    if (sum != call_count / 2) {
        fail("wrong sum");
    }
    return (end - start) / call_count;
}

static long private_kilobytes(void) {
    long kilobytes = 0;
    char line[256];
    FILE *rollup = fopen("/proc/self/smaps_rollup", "r");
    while (rollup != NULL && fgets(line, sizeof line, rollup) != NULL) {
        sscanf(line, "Private_Dirty: %ld", &kilobytes);
    }
    if (rollup != NULL) {
        fclose(rollup);
    }
    return kilobytes;
}

// Global: cffi's embedding needs that, for the modules that its Python imports.
static double open_and_call(const char *file) {
    const double start = now();
    void *handle = dlopen(file, RTLD_NOW | RTLD_GLOBAL);
    add_function *add = handle == NULL ? NULL : (add_function *)dlsym(handle, "add");
    if (add == NULL || add(1, 2) != 3) {
        fail(file);
    }
    return now() - start;
}

static void call_each(int count, char **files) {
    double spent[most_plugins];
    long first = 0;
    for (int i = 0; i < count; ++i) {
        spent[i] = open_and_call(files[i]);
        if (i == 0) {
            first = private_kilobytes();
        }
    }
    printf("%ld %ld", first, private_kilobytes());
    for (int i = 0; i < count; ++i) {
        printf(" %.0f", spent[i]);
    }
    printf("\n");
    fflush(stdout);
    _exit(0);
}

int main(int argc, char **argv) {
    if (argc > 2 && argc - 2 <= most_plugins && strcmp(argv[1], "call-each") == 0) {
        call_each(argc - 2, argv + 2);
    }
    if (argc == 3 && strcmp(argv[1], "start") == 0) {
        open_file(argv[2]);
        _exit(0);
    }
    if (argc < 4 || argc - 3 > most_files) {
        fprintf(stderr, "usage: host open|dlsym|call ROUNDS FILE... | host call-each FILE... | "
                        "host start FILE\n");
        return 2;
    }
    const char *what = argv[1];
    const int rounds = atoi(argv[2]);
    void *handles[most_files];
    add_function *adds[most_files];
    for (int i = 3; i < argc && strcmp(what, "open") != 0; ++i) {
        handles[i - 3] = open_file(argv[i]);
        if (strcmp(what, "call") == 0) {
            adds[i - 3] = find_add(handles[i - 3]);
        }
    }
    for (int round = 0; round < rounds; ++round) {
        for (int i = 3; i < argc; ++i) {
            const double spent = strcmp(what, "open") == 0    ? open_and_close(argv[i])
                                 : strcmp(what, "dlsym") == 0 ? look_up(handles[i - 3])
                                                              : call(adds[i - 3]);
            printf("%.3f ", spent);
        }
        printf("\n");
    }
    return 0;
}
