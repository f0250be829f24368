// A host that keeps opaque pointers. Each argument is a command; N: names mean the Nth plugin:
//
//   open FILE                dlopen
//   close [N]                dlclose
//   make NAME [A]            void *NAME(int): keeps the pointer under the next number, from 0
//   into NAME                int NAME(void **): the same with an out-parameter
//   call NAME H [A]          int NAME(void *, int)
//   many COUNT MAKE DROP     void *MAKE(int), then int DROP(void *, int), COUNT times
//   threads COUNT TIMES NAME H   call NAME TIMES times in each of COUNT threads
//
// H is a number of a pointer, or a number with a sign or 0x in front, which is passed as it is.
// Answers are printed one a line; pointers as their number, so that equal ones show.
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { most_plugins = 8, most_handles = 64, most_threads = 16, most_words = 8 };

typedef void *make_function(int);
typedef int call_function(void *, int);

static void *plugins[most_plugins];
static int plugin_count;
static void *handles[most_handles];
static int handle_count;

static void *find(const char *name) {
    char *rest;
    long index = strtol(name, &rest, 10);
    if (*rest == ':') {
        name = rest + 1;
    } else {
        index = plugin_count - 1;
    }
    void *found = dlsym(plugins[index], name);
    if (found == NULL) {
        printf("no symbol: %s\n", dlerror());
        exit(1);
    }
    return found;
}

static void *handle(const char *text) {
    const int as_it_is = *text == '-' || *text == '+' || strncmp(text, "0x", 2) == 0;
    return as_it_is ? (void *)strtoull(text, NULL, 0) : handles[atoi(text)];
}

static void keep(void *pointer) {
    if (pointer == NULL) {
        printf("NULL\n");
        return;
    }
    int i = 0;
    while (i < handle_count && handles[i] != pointer) {
        ++i;
    }
    handles[i] = pointer;
    handle_count += i == handle_count;
    printf("handle %d\n", i);
}

static void many(int count, make_function *make, call_function *drop) {
    int sum = 0;
    for (int i = 0; i < count; ++i) {
        sum += drop(make(i), 0) == i;
    }
    printf("%d\n", sum);
}

static call_function *worked_on;
static void *passed;
static int times;

static void *work(void *sum) {
    for (int i = 0; i < times; ++i) {
        *(long *)sum += worked_on(passed, 1);
    }
    return NULL;
}

static void threads(int count) {
    pthread_t all[most_threads];
    long sums[most_threads] = {0};
    long sum = 0;
    for (int i = 0; i < count; ++i) {
        pthread_create(&all[i], NULL, work, &sums[i]);
    }
    for (int i = 0; i < count; ++i) {
        pthread_join(all[i], NULL);
        sum += sums[i];
    }
    printf("%ld\n", sum);
}

static void run(char *text) {
    char *words[most_words] = {NULL};
    int count = 0;
    for (char *word; count < most_words && (word = strtok_r(text, " ", &text)) != NULL;) {
        words[count++] = word;
    }
    if (strcmp(words[0], "open") == 0) {
        plugins[plugin_count] = dlopen(words[1], RTLD_NOW);
        if (plugins[plugin_count++] == NULL) {
            printf("cannot open: %s\n", dlerror());
        }
    } else if (strcmp(words[0], "close") == 0) {
        dlclose(plugins[words[1] == NULL ? plugin_count - 1 : atoi(words[1])]);
    } else if (strcmp(words[0], "make") == 0) {
        keep(((make_function *)find(words[1]))(words[2] == NULL ? 0 : atoi(words[2])));
    } else if (strcmp(words[0], "into") == 0) {
        void *made = NULL;
        printf("%d\n", ((int (*)(void **))find(words[1]))(&made));
        keep(made);
    } else if (strcmp(words[0], "call") == 0) {
        call_function *function = find(words[1]);
        printf("%d\n", function(handle(words[2]), words[3] == NULL ? 0 : atoi(words[3])));
    } else if (strcmp(words[0], "many") == 0) {
        many(atoi(words[1]), find(words[2]), find(words[3]));
    } else if (strcmp(words[0], "threads") == 0) {
        times = atoi(words[2]);
        worked_on = find(words[3]);
        passed = handle(words[4]);
        threads(atoi(words[1]));
    } else {
        fprintf(stderr, "no command: %s\n", words[0]);
        exit(64);
    }
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0); // Python writes to the same file
    for (int i = 1; i < argc; ++i) {
        char *text = strdup(argv[i]);
        run(text);
        free(text);
    }
    return 0;
}
