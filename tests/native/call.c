// A host that knows nothing of Python. Each argument is a command:
//
//   open FILE [now|lazy] [local|global]   dlopen; names below mean the plugin opened last,
//                                         "0:name" the first one
//   dlmopen FILE                          the same, into a namespace of its own
//   close [N]                             dlclose the last plugin, or the one of that number
//   cycle COUNT FILE NAME                 open, call int NAME(void), close, COUNT times
//   int NAME [A [B]]                      call int NAME(int...)
//   double NAME A B                       call double NAME(double, double)
//   text NAME [A]                         call const char *NAME(const char *)
//   get NAME                              keep NAME's address
//   kept A                                call what was kept as int (*)(int)
//   find NAME                             look NAME up
//   unlink FILE                           delete it
//   rename FILE NEW                       rename it
//   chdir FOLDER                          change to it
//   python                                whether this process has a libpython
//   await FILE [COMMAND]                  wait until there is such a file, then do it
//   touch FILE [COMMAND]                  do it, then make such a file
//   images NAME                           how many files of that name are mapped
//   unmapped NAME                         wait until none is
//   thread COMMAND                        in a thread of its own
//   threads COUNT COMMAND                 in so many threads at once
//   together COMMAND | COMMAND ...        each in a thread, at once
//   errno N COMMAND                       with errno = N; prints what the call left in it
//
// Answers are printed one a line, in the order of the commands.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "resident.h"

enum { most_plugins = 64, most_words = 8, most_threads = 64 };

static void *plugins[most_plugins];
static int plugin_count;
static int (*kept)(int);
static __thread int errno_after;

static void run(const char *command);

static void *look_up(const char *name) {
    char *rest;
    long index = strtol(name, &rest, 10);
    if (rest == name || *rest != ':') {
        index = plugin_count - 1;
    } else {
        name = rest + 1;
    }
    return index < 0 ? NULL : dlsym(plugins[index], name);
}

static void *need(const char *name) {
    void *found = look_up(name);
    if (found == NULL) {
        printf("no symbol: %s\n", dlerror());
    }
    return found;
}

static void keep_plugin(void *handle) {
    if (handle == NULL) {
        printf("cannot open: %s\n", dlerror());
    } else {
        plugins[plugin_count++] = handle;
    }
}

static int has(char **words, const char *wanted) {
    for (; *words != NULL; ++words) {
        if (strcmp(*words, wanted) == 0) {
            return 1;
        }
    }
    return 0;
}

static void call_int(void *function, char **arguments) {
    int result;
    if (arguments[0] == NULL) {
        result = ((int (*)(void))function)();
    } else if (arguments[1] == NULL) {
        result = ((int (*)(int))function)(atoi(arguments[0]));
    } else {
        result = ((int (*)(int, int))function)(atoi(arguments[0]), atoi(arguments[1]));
    }
    errno_after = errno;
    printf("%d\n", result);
}

static void call_text(void *function, const char *argument) {
    const char *result = ((const char *(*)(const char *))function)(argument);
    printf("%s\n", result == NULL ? "NULL" : result);
}

static int mapped_images(const char *name) {
    char line[4096];
    int count = 0;
    FILE *file = fopen("/proc/self/maps", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char *path = strrchr(line, '/');
        unsigned long offset = 1;
        sscanf(line, "%*s %*s %lx", &offset);
        if (path != NULL && offset == 0) {
            path[strcspn(path, " \n")] = '\0';
            count += strcmp(path + 1, name) == 0;
        }
    }
    if (file == NULL) {
        abort();
    }
    fclose(file);
    return count;
}

// Prints the last result, and by how much the later three quarters of the cycles let the process
// grow.
static void cycle(int count, const char *file, const char *name) {
    long before = 0;
    int result = 0;
    for (int i = 0; i < count; ++i) {
        if (i == count / 4) {
            before = resident_kilobytes();
        }
        void *plugin = dlopen(file, RTLD_NOW);
        int (*function)(void) = plugin == NULL ? NULL : (int (*)(void))dlsym(plugin, name);
        if (function == NULL) {
            printf("cycle %d: %s\n", i, dlerror());
            return;
        }
        result = function();
        dlclose(plugin);
    }
    printf("%d\n%ld\n", result, resident_kilobytes() - before);
}

static void print_whether_python(void) {
    char line[4096];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        found = found || strstr(line, "libpython") != NULL;
    }
    fclose(maps);
    printf("python: %s\n", found ? "yes" : "no");
}

static pthread_barrier_t barrier;

static void *run_at_once(void *command) {
    pthread_barrier_wait(&barrier);
    run(command);
    return NULL;
}

static void run_threads(char **commands, unsigned count) {
    pthread_t threads[most_threads];
    pthread_barrier_init(&barrier, NULL, count);
    for (unsigned i = 0; i < count; ++i) {
        pthread_create(&threads[i], NULL, run_at_once, commands[i]);
    }
    for (unsigned i = 0; i < count; ++i) {
        pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&barrier);
}

static void run_together(char *commands) {
    char *each[most_threads];
    unsigned count = 0;
    for (char *rest = commands, *one; (one = strsep(&rest, "|")) != NULL;) {
        each[count++] = one + strspn(one, " ");
    }
    run_threads(each, count);
}

// What is behind the first `count` words of a command.
static char *after(const char *command, int count) {
    for (; count > 0; --count) {
        command += strcspn(command, " ");
        command += strspn(command, " ");
    }
    return (char *)command;
}

static void run(const char *command) {
    char *text = strdup(command);
    char *words[most_words + 1] = {NULL};
    int count = 0;
    char *rest = text;
    for (char *word; count < most_words && (word = strtok_r(rest, " ", &rest)) != NULL;) {
        words[count++] = word;
    }
    void *function = NULL;
    if (count == 0) {
        abort();
    }
    const char *what = words[0];
    if (strcmp(what, "open") == 0) {
        keep_plugin(dlopen(words[1], (has(words, "lazy") ? RTLD_LAZY : RTLD_NOW) |
                                         (has(words, "global") ? RTLD_GLOBAL : RTLD_LOCAL)));
    } else if (strcmp(what, "dlmopen") == 0) {
        keep_plugin(dlmopen(LM_ID_NEWLM, words[1], RTLD_NOW));
    } else if (strcmp(what, "close") == 0) {
        dlclose(plugins[words[1] == NULL ? plugin_count - 1 : atoi(words[1])]);
    } else if (strcmp(what, "cycle") == 0) {
        cycle(atoi(words[1]), words[2], words[3]);
    } else if (strcmp(what, "int") == 0) {
        if ((function = need(words[1])) != NULL) {
            call_int(function, words + 2);
        }
    } else if (strcmp(what, "double") == 0) {
        if ((function = need(words[1])) != NULL) {
            printf("%.17g\n",
                   ((double (*)(double, double))function)(atof(words[2]), atof(words[3])));
        }
    } else if (strcmp(what, "text") == 0) {
        if ((function = need(words[1])) != NULL) {
            call_text(function, words[2]);
        }
    } else if (strcmp(what, "get") == 0) {
        kept = (int (*)(int))need(words[1]);
    } else if (strcmp(what, "kept") == 0) {
        printf("%d\n", kept(atoi(words[1])));
    } else if (strcmp(what, "find") == 0) {
        printf("%s: %s\n", words[1], look_up(words[1]) == NULL ? "no" : "yes");
    } else if (strcmp(what, "unlink") == 0) {
        unlink(words[1]);
    } else if (strcmp(what, "rename") == 0) {
        rename(words[1], words[2]);
    } else if (strcmp(what, "chdir") == 0) {
        if (chdir(words[1]) != 0) {
            perror(words[1]);
        }
    } else if (strcmp(what, "python") == 0) {
        print_whether_python();
    } else if (strcmp(what, "await") == 0) {
        while (access(words[1], F_OK) != 0) {
            usleep(1000);
        }
        if (words[2] != NULL) {
            run(after(command, 2));
        }
    } else if (strcmp(what, "touch") == 0) {
        if (words[2] != NULL) {
            run(after(command, 2));
        }
        fclose(fopen(words[1], "w"));
    } else if (strcmp(what, "images") == 0) {
        printf("%d\n", mapped_images(words[1]));
    } else if (strcmp(what, "unmapped") == 0) {
        while (mapped_images(words[1]) != 0) {
            usleep(1000);
        }
    } else if (strcmp(what, "thread") == 0) {
        char *one = after(command, 1);
        run_threads(&one, 1);
    } else if (strcmp(what, "threads") == 0) {
        char *same[most_threads];
        const int copies = atoi(words[1]);
        for (int i = 0; i < copies; ++i) {
            same[i] = after(command, 2);
        }
        run_threads(same, (unsigned)copies);
    } else if (strcmp(what, "together") == 0) {
        strcpy(text, command);
        run_together(after(text, 1));
    } else if (strcmp(what, "errno") == 0) {
        errno = atoi(words[1]);
        run(after(command, 2));
        printf("errno %d\n", errno_after);
    } else {
        fprintf(stderr, "no command: %s\n", command);
        exit(64);
    }
    free(text);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0); // Python writes to the same file
    for (int i = 1; i < argc; ++i) {
        run(argv[i]);
    }
    return 0;
}
