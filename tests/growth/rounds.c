/* Preloaded into a host: its main runs over and over in one process, with every plugin that it
 * opened unloaded after each round and its own variables as they were before the first. If Python
 * then has more objects, or in a debugging build more references, after each of the last rounds
 * than before it, something is left at each. What the host prints is that of the first round.
 *
 * What CPython keeps does not go on for ever: the attribute cache of types, which keeps names, is
 * emptied; others (interned text, compiled expressions, free lists) are full after some rounds. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <epy.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { most_rounds = 30, compared = 4, most_names = 256, grew = 87, runs_but_once = 88 };

typedef int main_function(int, char **, char **);

static main_function *host_main;
static pid_t process;

/* ---- The host's variables */

struct variables {
    char *place, *saved;
    size_t size;
};
static struct variables variables[8];
static int variables_count;

static void keep(uintptr_t begin, uintptr_t end) {
    if (begin < end) {
        struct variables *kept = &variables[variables_count++];
        *kept = (struct variables){(char *)begin, malloc(end - begin), end - begin};
        memcpy(kept->saved, kept->place, kept->size);
    }
}

/* Of the first object, the executable: what it may write to, which is not all that it could. */
static int keep_variables(struct dl_phdr_info *info, size_t size, void *unused) {
    uintptr_t fixed = 0, fixed_end = 0;
    (void)size, (void)unused;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_GNU_RELRO) {
            fixed = info->dlpi_addr + part->p_vaddr;
            fixed_end = (fixed + part->p_memsz + 4095) & ~(uintptr_t)4095;
        }
    }
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        const uintptr_t begin = info->dlpi_addr + part->p_vaddr, end = begin + part->p_memsz;
        if (part->p_type == PT_LOAD && (part->p_flags & PF_W) != 0) {
            keep(begin < fixed_end && begin >= (fixed & ~(uintptr_t)4095) ? fixed_end : begin, end);
        }
    }
    return 1;
}

static void restore_variables(void) {
    for (int i = 0; i < variables_count; ++i) {
        memcpy(variables[i].place, variables[i].saved, variables[i].size);
    }
}

/* ---- What a round leaves in the process */

static char *names[most_names];
static int names_count, linked_count;

static int note_object(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size, (void)unused;
    if (names_count < most_names) {
        names[names_count++] = strdup(info->dlpi_name);
    }
    return 0;
}

/* A plugin that the host is linked with stays. */
static void unload_plugins(void) {
    const epy_api *api = epy_connect(NULL);
    names_count = linked_count;
    dl_iterate_phdr(note_object, NULL);
    for (int i = linked_count; i < names_count; ++i) {
        int is_linked = names[i][0] == '\0';
        for (int j = 0; j < linked_count; ++j) {
            is_linked = is_linked || strcmp(names[i], names[j]) == 0;
        }
        void *handle = is_linked ? NULL : dlopen(names[i], RTLD_NOW | RTLD_NOLOAD);
        epy_plugin *plugin =
            handle == NULL || api == NULL || dlsym(handle, "epy_plugin_api") == NULL
                ? NULL
                : api->plugin_of(handle);
        if (plugin != NULL) {
            api->unload(plugin, 600000);
            do {
                dlclose(handle);
                dlclose(handle);
            } while ((handle = dlopen(names[i], RTLD_NOW | RTLD_NOLOAD)) != NULL);
        } else if (handle != NULL) {
            dlclose(handle);
        }
        free(names[i]);
    }
    if (api != NULL) {
        api->clear_error();
        api->set_log(NULL, NULL, NULL);
    }
}

/* A class is the host's until the process ends: it may register it again in the next round. */
static char *registered[most_names], *registered_now[most_names];
static int registered_count, registered_now_count;

static int has(char **all, int count, const char *name) {
    while (count > 0 && strcmp(all[count - 1], name) != 0) {
        --count;
    }
    return count;
}

int epy_register_class(const epy_class *host_class) {
    int (*next)(const epy_class *);
    *(void **)&next = dlsym(RTLD_NEXT, "epy_register_class");
    if (host_class == NULL || host_class->name == NULL || registered_count == most_names ||
        registered_now_count == most_names ||
        has(registered_now, registered_now_count, host_class->name)) {
        return next(host_class);
    }
    if (!has(registered, registered_count, host_class->name)) {
        const int result = next(host_class);
        if (result != 0) {
            return result;
        }
        registered[registered_count++] = strdup(host_class->name);
    }
    registered_now[registered_now_count++] = strdup(host_class->name);
    return 0;
}

/* ---- Counting, with Python's functions, which only a plugin brings */

static void *python_function(const char *name) { return dlsym(RTLD_DEFAULT, name); }

/* What sys.NAME() gives; 0 without it. */
static ptrdiff_t number_of(const char *name) {
    void *(*of_sys)(const char *), *(*call)(void *);
    ptrdiff_t (*number)(void *);
    void (*drop)(void *);
    *(void **)&of_sys = python_function("PySys_GetObject");
    *(void **)&call = python_function("PyObject_CallNoArgs");
    *(void **)&number = python_function("PyLong_AsSsize_t");
    *(void **)&drop = python_function("Py_DecRef");
    void *function = of_sys(name);
    void *counted = function == NULL ? NULL : call(function);
    const ptrdiff_t result = counted == NULL ? 0 : number(counted);
    if (counted != NULL) {
        drop(counted);
    }
    return result;
}

/* What scripts have printed without a newline is in Python's hands until the process ends. */
static void flush_python(void) {
    const epy_api *api = epy_connect(NULL);
    int (*run)(const char *, void *);
    epy_scope scope;
    *(void **)&run = python_function("PyRun_SimpleStringFlags");
    if (api != NULL && run != NULL && api->enter(&scope) == 0) {
        run("import sys\n"
            "for stream in sys.stdout, sys.stderr:\n"
            "    try: stream.flush()\n"
            "    except BaseException: pass # a script may put anything into its place\n",
            NULL);
        api->leave(&scope);
    }
}

struct counts {
    ptrdiff_t references, blocks;
};

/* Python counts what code does that was compiled for it: a plugin that brings a core along brings
 * another. */
static int is_core_that_counts(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size, (void)unused;
    const char *core = strstr(info->dlpi_name, "/_core.cpython-");
    return core != NULL && strstr(core, "d-") != NULL;
}

static int count(struct counts *counts) {
    const epy_api *api = epy_connect(NULL);
    ptrdiff_t (*collect)(void);
    unsigned (*clear_cache)(void);
    epy_scope scope;
    *(void **)&collect = python_function("PyGC_Collect");
    *(void **)&clear_cache = python_function("PyType_ClearCache");
    if (api == NULL || collect == NULL || api->enter(&scope) != 0) {
        return 0;
    }
    clear_cache();
    collect();
    collect();
    counts->references =
        dl_iterate_phdr(is_core_that_counts, NULL) != 0 ? number_of("gettotalrefcount") : 0;
    counts->blocks = number_of("getallocatedblocks");
    api->leave(&scope);
    return 1;
}

/* Whether each of the last rounds left something more. */
static int has_grown(const struct counts *counts, int rounds) {
    int references = 1, blocks = 1;
    for (int i = rounds - compared; i < rounds; ++i) {
        references = references && counts[i].references > counts[i - 1].references;
        blocks = blocks && counts[i].blocks > counts[i - 1].blocks;
    }
    return references || blocks;
}

/* ---- The rounds */

static int redirected[3];

static void be_silent(void) {
    fflush(NULL);
    for (int i = 1; i < 3; ++i) {
        redirected[i] = dup(i);
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), i);
    }
}

static void be_heard(void) {
    fflush(NULL);
    for (int i = 1; i < 3; ++i) {
        dup2(redirected[i], i);
    }
}

static void note_done(int rounds) {
    FILE *done = fopen(getenv("EPY_ROUNDS"), "a");
    if (done != NULL) {
        fprintf(done, "%d\n", rounds);
        fclose(done);
    }
}

static int run_rounds(int argc, char **argv, char **environment) {
    struct counts counts[most_rounds] = {{0, 0}};
    int rounds = 0, status = 0, is_counted = 1;
    dl_iterate_phdr(keep_variables, NULL);
    while (status == 0 && is_counted && rounds < most_rounds &&
           (rounds <= 2 * compared || has_grown(counts, rounds))) {
        status = host_main(argc, argv, environment);
        if (getpid() != process) {
            return status; /* a child of the host's */
        }
        if (status != 0) {
            break;
        }
        unload_plugins(); /* as the end of the process does: hooks and exit functions are heard */
        if (rounds == 0) {
            flush_python();
            be_silent();
        }
        is_counted = count(&counts[rounds++]);
        registered_now_count = 0;
        restore_variables();
    }
    if (rounds == 0) {
        return status;
    }
    be_heard();
    if (status != 0) {
        fprintf(stderr, "rounds: the host cannot run again: %d\n", status);
        return runs_but_once;
    }
    if (is_counted && has_grown(counts, rounds)) {
        for (int i = 0; i < rounds; ++i) {
            fprintf(stderr, "round %d: %td references, %td blocks\n", i, counts[i].references,
                    counts[i].blocks);
        }
        return grew;
    }
    if (is_counted) {
        note_done(rounds);
    }
    return 0;
}

int __libc_start_main(main_function *main, int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end) {
    int (*start)(main_function *, int, char **, void (*)(void), void (*)(void), void (*)(void),
                 void *);
    *(void **)&start = dlsym(RTLD_NEXT, "__libc_start_main");
    host_main = main;
    process = getpid();
    dl_iterate_phdr(note_object, NULL);
    linked_count = names_count;
    unsetenv("LD_PRELOAD"); /* programs that the host starts run once */
    return start(run_rounds, argc, argv, init, fini, rtld_fini, stack_end);
}
