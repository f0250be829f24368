// Hands memory to a plugin and takes it away after the call. Each argument behind the plugin's path
// is a command:
//
//   sum NAME COUNT [null]   double NAME(const double *, long) on 1, 2, ... COUNT (or on NULL), in
//                           pages that are unmapped after the call
//   fill NAME COUNT         int NAME(int *, unsigned char) on zeros; prints what they are then
//   people NAME             double NAME(const struct person *, int) on three of them
//   nested NAME             int NAME(const int *, int, int (*)(void)): calls "inner" from inside
//   int NAME                int NAME(void)
//   thread COMMAND          in a thread of its own
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { mapped_bytes = 1 << 16 };

struct person {
    double height;
    int age;
};

static void *plugin;

static void *need(const char *name) {
    void *found = dlsym(plugin, name);
    if (found == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    return found;
}

static void sum(const char *name, long count, int null) {
    double (*function)(const double *, long) = (double (*)(const double *, long))need(name);
    double *samples =
        mmap(NULL, mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (long i = 0; i < count; ++i) {
        samples[i] = (double)(i + 1);
    }
    printf("%g\n", function(null ? NULL : samples, count));
    munmap(samples, mapped_bytes);
}

static void fill(const char *name, int count) {
    int (*function)(int *, unsigned char) = (int (*)(int *, unsigned char))need(name);
    int *numbers = calloc((size_t)count, sizeof *numbers);
    printf("%d:", function(numbers, (unsigned char)count));
    for (int i = 0; i < count; ++i) {
        printf(" %d", numbers[i]);
    }
    putchar('\n');
    free(numbers);
}

static void people(const char *name) {
    static const struct person three[] = {{1.5, 10}, {1.75, 20}, {2, 30}};
    double (*function)(const struct person *, int) =
        (double (*)(const struct person *, int))need(name);
    printf("%g\n", function(three, 3));
}

static int call_inner(void) {
    static const int numbers[] = {7, 8};
    int (*function)(const int *, int) = (int (*)(const int *, int))need("inner");
    return function(numbers, 2);
}

static void nested(const char *name) {
    static const int numbers[] = {1, 2, 3};
    int (*function)(const int *, int, int (*)(void)) =
        (int (*)(const int *, int, int (*)(void)))need(name);
    printf("%d\n", function(numbers, 3, call_inner));
}

static void *run(void *command) {
    char *text = strdup(command);
    char *rest = text;
    const char *what = strtok_r(NULL, " ", &rest);
    const char *name = strtok_r(NULL, " ", &rest);
    const char *count = strtok_r(NULL, " ", &rest);
    if (strcmp(what, "sum") == 0) {
        sum(name, atol(count), strtok_r(NULL, " ", &rest) != NULL);
    } else if (strcmp(what, "fill") == 0) {
        fill(name, atoi(count));
    } else if (strcmp(what, "people") == 0) {
        people(name);
    } else if (strcmp(what, "nested") == 0) {
        nested(name);
    } else if (strcmp(what, "int") == 0) {
        printf("%d\n", ((int (*)(void))need(name))());
    } else if (strcmp(what, "thread") == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, run, (char *)command + strlen("thread "));
        pthread_join(thread, NULL);
    }
    free(text);
    return NULL;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    plugin = dlopen(argv[1], RTLD_NOW);
    if (plugin == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    for (int i = 2; i < argc; ++i) {
        run(argv[i]);
    }
    return 0;
}
