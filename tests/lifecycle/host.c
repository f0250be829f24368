// A host with a Python of its own. Each argument is a command; most are one call of Python's C API,
// so that a list of them is what a program does, in its order and on its threads:
//
//   open FILE [N]         dlopen a plugin, as number N
//   call [N:]NAME [A [B]] call int NAME(int...) of it
//   text                  call const char *text(void) of it
//   kept N                call what a script has given to host_keep
//   find NAME             look up int NAME
//   value                 the int that was found
//   close [N]             dlclose
//   initialize [N]        Py_InitializeEx(N); 0 if there is none
//   finalize              Py_FinalizeEx; prints its result
//   initialized           Py_IsInitialized
//   run CODE              PyRun_SimpleString
//   save, restore         PyEval_SaveThread, PyEval_RestoreThread
//   enter N, leave_scope N epy_enter and epy_leave of scope number N, 0 or 1
//   ensure, release       PyGILState_Ensure, PyGILState_Release
//   new S                 Py_NewInterpreter; its state is S from now on
//   own S                 the same with a GIL of its own (3.12 and newer)
//   end S                 Py_EndInterpreter
//   keep S                the current state is S
//   state S OF            PyThreadState_New for the interpreter of OF
//   swap S                PyThreadState_Swap
//   acquire S, leave S    PyEval_AcquireThread, PyEval_ReleaseThread
//   delete S              PyThreadState_Clear, PyThreadState_DeleteCurrent
//   current S             whether S is current
//   check                 PyGILState_Check
//   interrupt             PyErr_SetInterrupt
//   signals               PyErr_CheckSignals; what that raises is dropped
//   hook EVENT A ; B ; ... PySys_AddAuditHook, which does so at the first such event
//   last A ; B ; ...      Py_AtExit
//   thread A ; B ; ...    in a thread of its own, which is joined
//   start A ; B ; ...     the same, not joined
//   join                  the thread that was started last
//   fork A ; B ; ...      in a child, which is waited for
//   atexit A ; B ; ...    when the process exits
//   wait FILE, touch FILE until there is such a file; make it
//   allocators get        PyMem_GetAllocator, of each domain
//   allocators own        PyMem_SetAllocator, of each domain, with functions that take memory from
//                         nobody else
//   allocators around     the same with functions that count the calls of those that `get` got
//   allocators noting     the same with functions that make a note of each block in raw memory,
//                         whose functions stay
//   allocators above      the same with functions that put a header before each block of those
//   allocators back       the same with those
//   allocators others     the same with those, each for another domain
//   allocators debug      PyMem_SetupDebugHooks
//   arenas own, around    PyObject_SetArenaAllocator, likewise
//   allocated             whether any function of these has been called for Python
//   exit N, _exit N
//
// Scripts find host_held, host_held_and, host_where, host_found, host_led, host_wide, host_raise,
// host_run, host_apply, host_table, host_keep, host_apply_kept and host_do (commands, as a
// thread's) in here.
//
// Answers are printed one a line.
//
// Long because each command is a call of its own.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef void state;

int Py_IsInitialized(void), Py_FinalizeEx(void), PyRun_SimpleString(const char *);
int PyGILState_Check(void), PyGILState_Ensure(void), PyErr_CheckSignals(void);
int Py_AtExit(void (*)(void)), PySys_AddAuditHook(int (*)(const char *, void *, void *), void *);
void PyErr_SetInterrupt(void), PyErr_Clear(void);
void Py_InitializeEx(int), PyGILState_Release(int), PyEval_RestoreThread(state *);
void Py_EndInterpreter(state *), PyEval_AcquireThread(state *), PyEval_ReleaseThread(state *);
void PyThreadState_Clear(state *), PyThreadState_DeleteCurrent(void);
state *PyEval_SaveThread(void), *Py_NewInterpreter(void), *PyThreadState_Swap(state *);
state *PyThreadState_New(void *), *PyThreadState_Get(void), *PyGILState_GetThisThreadState(void);
void *PyThreadState_GetInterpreter(state *);

enum { most_states = 64, most_plugins = 8, most_words = 6 };

static struct {
    char name[16];
    state *value;
} states[most_states];

static void *plugins[most_plugins];
static const int *found_value;
static pthread_t started;
static __thread state *saved;
static __thread int ensured;
static __thread state *led_to; // by PyGILState_Ensure

static void run(char *command);

static state **place(const char *name) {
    int i = 0;
    while (states[i].name[0] != '\0' && strcmp(states[i].name, name) != 0) {
        ++i;
    }
    strcpy(states[i].name, name);
    return &states[i].value;
}

static void *find(const char *name) {
    const char *colon = strchr(name, ':');
    void *found = dlsym(plugins[colon == NULL ? 0 : atoi(name)], colon == NULL ? name : colon + 1);
    if (found == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(65);
    }
    return found;
}

static void call(char **words) {
    void *function = find(words[0]);
    state *const outer = led_to; // a function of the host may call again
    led_to = PyGILState_GetThisThreadState();
    printf("%d\n", words[1] == NULL ? ((int (*)(void))function)()
                   : words[2] == NULL
                       ? ((int (*)(int))function)(atoi(words[1]))
                       : ((int (*)(int, int))function)(atoi(words[1]), atoi(words[2])));
    led_to = outer;
}

// PyInterpreterConfig, of which the last is the GIL: 2 is an own one.
static state *new_with_own_gil(void) {
    struct {
        int use_main_obmalloc, allow_fork, allow_exec, allow_threads, allow_daemon_threads;
        int check_multi_interp_extensions, gil;
    } config = {0, 0, 0, 1, 0, 1, 2};
    struct status {
        int kind;
        const char *where, *message;
        int code;
    };
    state *made = NULL;
    struct status (*make)(state **, const void *) = dlsym(NULL, "Py_NewInterpreterFromConfig");
    const struct status outcome = make(&made, &config);
    if (outcome.kind != 0) {
        fprintf(stderr, "no interpreter: %s\n", outcome.message);
        exit(65);
    }
    return made;
}

// What scripts call: whether the caller holds the lock, and Python used without asking.
int host_held(void) { return PyGILState_Check(); }
int host_held_and(int number, int more) { return 100 * PyGILState_Check() + number + more; }

// Which of the states is current, -1 if none; -2 if PyGILState_Ensure leads elsewhere than at the
// host's call.
int host_where(void) {
    int i = 0;
    while (i < most_states && states[i].value != PyThreadState_Get()) {
        ++i;
    }
    return i < most_states ? i : -1;
}
int host_led(void) {
    const int before = PyGILState_Ensure(), where = host_where();
    PyGILState_Release(before);
    return where;
}
int host_found(void) { return PyGILState_GetThisThreadState() == led_to ? host_where() : -2; }
struct wide {
    long values[5];
};
// With arguments of each kind, on the stack, too.
long double host_wide(int a, long b, int c, int d, char e, int f, int g, double h, struct wide i,
                      float j, long double k) {
    return a + b + c + d + e + f + g + h + i.values[0] + i.values[4] + j + k + 1000 * host_found();
}
int host_raise(const char *type) {
    void *const loader = dlopen("libepy.so", RTLD_NOW | RTLD_NOLOAD);
    return ((int (*)(const char *, const char *, ...))dlsym(loader, "epy_raise"))(type, "in %d",
                                                                                  host_where());
}
int host_run(const char *code) { return PyRun_SimpleString(code); }
int host_apply(int (*function)(int), int number) { return function(number); }
static int (*kept)(int);
void host_keep(int (*function)(int)) { kept = function; }
int host_apply_kept(int number) { return kept(number); }
struct table {
    int (*held)(struct table *);
    int (*found)(struct table *);
    int (*led)(struct table *);
};
static int table_held(struct table *self) { return self == NULL ? -1 : host_held(); }
static int table_found(struct table *self) { return self == NULL ? -1 : host_found(); }
static int table_led(struct table *self) { return self == NULL ? -1 : host_led(); }
static struct table functions = {table_held, table_found, table_led};
struct table *host_table(void) {
    return &functions;
}

enum { raw_memory, other_memory, object_memory, domains };
struct allocator {
    void *context, *(*malloc)(void *, size_t), *(*calloc)(void *, size_t, size_t);
    void *(*realloc)(void *, void *, size_t);
    void (*free)(void *, void *);
};
struct arena_allocator {
    void *context, *(*alloc)(void *, size_t);
    void (*free)(void *, void *, size_t);
};
void PyMem_GetAllocator(int, struct allocator *), PyMem_SetAllocator(int, struct allocator *);
void PyMem_SetupDebugHooks(void);
void PyObject_GetArenaAllocator(struct arena_allocator *);
void PyObject_SetArenaAllocator(struct arena_allocator *);
static struct allocator before[domains];
static struct arena_allocator arenas_before;
static int allocations; // more than a trial makes
static const long own_mark = 0x0123456789abcdef;

// With a header of 16 bytes, in memory of `real`.
static void *begin_block(long *made) {
    made[0] = own_mark;
    ++allocations;
    return made + 2;
}
static void *whole(void *memory) {
    long *const made = (long *)memory - 2;
    if (made[0] != own_mark) {
        fprintf(stderr, "memory of somebody else\n");
        abort();
    }
    return made;
}
static void *above_malloc(void *context, size_t size) {
    const struct allocator *real = context;
    return begin_block(real->malloc(real->context, size + 16));
}
static void *above_calloc(void *context, size_t count, size_t size) {
    return memset(above_malloc(context, count * size), 0, count * size);
}
static void *above_realloc(void *context, void *memory, size_t size) {
    const struct allocator *real = context;
    return memory == NULL ? above_malloc(context, size)
                          : begin_block(real->realloc(real->context, whole(memory), size + 16));
}
static void above_free(void *context, void *memory) {
    const struct allocator *real = context;
    if (memory != NULL) {
        real->free(real->context, whole(memory));
    }
}
static void *plain_malloc(void *context, size_t size) { return malloc(size); }
static void *plain_realloc(void *context, void *memory, size_t size) {
    return realloc(memory, size);
}
static void plain_free(void *context, void *memory) { free(memory); }
static struct allocator plain = {NULL, plain_malloc, NULL, plain_realloc, plain_free};
static void *counted_malloc(void *context, size_t size) {
    const struct allocator *real = context;
    ++allocations;
    return real->malloc(real->context, size);
}
static void *noting_malloc(void *context, size_t size) {
    const struct allocator *raw = &before[raw_memory];
    void *const note = raw->malloc(raw->context, size);
    if (note == NULL) {
        return NULL;
    }
    raw->free(raw->context, note);
    return counted_malloc(context, size);
}
static void *counted_calloc(void *context, size_t count, size_t size) {
    const struct allocator *real = context;
    return real->calloc(real->context, count, size);
}
static void *counted_realloc(void *context, void *memory, size_t size) {
    const struct allocator *real = context;
    return real->realloc(real->context, memory, size);
}
static void counted_free(void *context, void *memory) {
    const struct allocator *real = context;
    real->free(real->context, memory);
}
static void set_allocators(const char *kind) {
    static struct allocator above = {NULL, above_malloc, above_calloc, above_realloc, above_free};
    static struct allocator counted = {NULL, counted_malloc, counted_calloc, counted_realloc,
                                       counted_free};
    const int is_noting = strcmp(kind, "noting") == 0;
    counted.malloc = is_noting ? noting_malloc : counted_malloc;
    for (int domain = is_noting ? other_memory : 0; domain < domains; ++domain) {
        struct allocator *given = strcmp(kind, "around") == 0   ? &counted
                                  : is_noting                   ? &counted
                                  : strcmp(kind, "back") == 0   ? &before[domain]
                                  : strcmp(kind, "others") == 0 ? &before[(domain + 1) % domains]
                                                                : &above;
        given->context = given == &counted            ? &before[domain]
                         : strcmp(kind, "own") == 0   ? &plain
                         : strcmp(kind, "above") == 0 ? &before[domain]
                                                      : given->context;
        PyMem_SetAllocator(domain, given);
    }
}
static void *own_arena(void *context, size_t size) {
    const struct arena_allocator *real = context;
    allocations += 30;
    return real == NULL ? aligned_alloc(4096, size) : real->alloc(real->context, size);
}
static void own_free_arena(void *context, void *memory, size_t size) {
    const struct arena_allocator *real = context;
    if (real == NULL) {
        free(memory);
    } else {
        real->free(real->context, memory, size);
    }
}

static void *run_all(void *commands) {
    for (char *rest = commands, *one; (one = strsep(&rest, ";")) != NULL;) {
        run(one + strspn(one, " "));
    }
    free(commands);
    return NULL;
}

int host_do(const char *commands) { return run_all(strdup(commands)) != NULL; }

static char *at_exit, *last;
static void run_at_exit(void) { run_all(at_exit); }
static void run_last(void) { run_all(last); }

static char *hooked, *at_event;
static int run_at_event(const char *event, void *arguments, void *data) {
    char *const commands = at_event;
    if (commands != NULL && strcmp(event, hooked) == 0) {
        at_event = NULL; // it may raise others
        run_all(commands);
    }
    return 0;
}

static void run(char *command) {
    char *const whole = strdup(command);
    char *const rest = whole + strcspn(whole, " ") + strspn(whole + strcspn(whole, " "), " ");
    char *words[most_words + 1] = {NULL};
    int count = 0;
    for (char *left = command, *word;
         count < most_words && (word = strtok_r(left, " ", &left)) != NULL;) {
        words[count++] = word;
    }
    const char *what = words[0];
    char *name = words[1];
#define IS(text) (strcmp(what, text) == 0)
    if (IS("open")) {
        void *opened = dlopen(name, RTLD_NOW);
        if (opened == NULL) {
            fprintf(stderr, "%s\n", dlerror());
            exit(65);
        }
        plugins[words[2] == NULL ? 0 : atoi(words[2])] = opened;
    } else if (IS("call")) {
        call(words + 1);
    } else if (IS("text")) {
        printf("%s\n", ((const char *(*)(void))find("text"))());
    } else if (IS("kept")) {
        printf("%d\n", kept(atoi(name)));
    } else if (IS("find")) {
        found_value = find(name);
    } else if (IS("value")) {
        printf("%d\n", *found_value);
    } else if (IS("close")) {
        dlclose(plugins[name == NULL ? 0 : atoi(name)]);
    } else if (IS("initialize")) {
        Py_InitializeEx(name == NULL ? 0 : atoi(name));
    } else if (IS("finalize")) {
        printf("finalized: %d\n", Py_FinalizeEx());
    } else if (IS("initialized")) {
        printf("%d\n", Py_IsInitialized());
    } else if (IS("run")) {
        PyRun_SimpleString(rest);
    } else if (IS("save")) {
        saved = PyEval_SaveThread();
    } else if (IS("restore")) {
        PyEval_RestoreThread(saved);
    } else if (IS("enter") || IS("leave_scope")) {
        static long scopes[2][8];
        void *libepy = dlopen("libepy.so", RTLD_NOW | RTLD_NOLOAD);
        int (*function)(void *) = dlsym(libepy, IS("enter") ? "epy_enter" : "epy_leave");
        function(scopes[atoi(rest)]);
    } else if (IS("ensure")) {
        ensured = PyGILState_Ensure();
    } else if (IS("release")) {
        PyGILState_Release(ensured);
    } else if (IS("new")) {
        *place(name) = Py_NewInterpreter();
    } else if (IS("own")) {
        *place(name) = new_with_own_gil();
    } else if (IS("end")) {
        Py_EndInterpreter(*place(name));
    } else if (IS("keep")) {
        *place(name) = PyThreadState_Get();
    } else if (IS("state")) {
        *place(name) = PyThreadState_New(PyThreadState_GetInterpreter(*place(words[2])));
    } else if (IS("swap")) {
        PyThreadState_Swap(*place(name));
    } else if (IS("acquire")) {
        PyEval_AcquireThread(*place(name));
    } else if (IS("leave")) {
        PyEval_ReleaseThread(*place(name));
    } else if (IS("delete")) {
        PyThreadState_Clear(*place(name));
        PyThreadState_DeleteCurrent();
    } else if (IS("current")) {
        printf("%s\n", PyThreadState_Get() == *place(name) ? "current" : "not current");
    } else if (IS("check")) {
        printf("%d\n", PyGILState_Check());
    } else if (IS("interrupt")) {
        PyErr_SetInterrupt();
    } else if (IS("signals")) {
        printf("%d\n", PyErr_CheckSignals());
        PyErr_Clear();
    } else if (IS("hook")) {
        hooked = strdup(name);
        at_event = strdup(rest + strlen(name));
        PySys_AddAuditHook(run_at_event, NULL);
    } else if (IS("last")) {
        last = strdup(rest);
        Py_AtExit(run_last);
    } else if (IS("thread") || IS("start")) {
        pthread_create(&started, NULL, run_all, strdup(rest));
        if (IS("thread")) {
            pthread_join(started, NULL);
        }
    } else if (IS("join")) {
        pthread_join(started, NULL);
    } else if (IS("fork")) {
        const pid_t child = fork();
        if (child == 0) {
            run_all(strdup(rest));
            exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        printf("child: %d\n", status);
    } else if (IS("atexit")) {
        at_exit = strdup(rest);
        atexit(run_at_exit);
    } else if (IS("wait")) {
        while (access(name, F_OK) != 0) {
            usleep(1000);
        }
    } else if (IS("touch")) {
        fclose(fopen(name, "w"));
    } else if (IS("allocators")) {
        if (strcmp(name, "debug") == 0) {
            PyMem_SetupDebugHooks();
        } else if (strcmp(name, "get") == 0) {
            for (int domain = 0; domain < domains; ++domain) {
                PyMem_GetAllocator(domain, &before[domain]);
            }
        } else {
            set_allocators(name);
        }
    } else if (IS("arenas")) {
        struct arena_allocator own = {NULL, own_arena, own_free_arena};
        if (strcmp(name, "around") == 0) {
            PyObject_GetArenaAllocator(&arenas_before);
            own.context = &arenas_before;
        }
        PyObject_SetArenaAllocator(&own);
    } else if (IS("allocated")) {
        printf("%s\n", allocations < 50 ? "nothing" : "something");
    } else if (IS("exit")) {
        exit(atoi(name));
    } else if (IS("_exit")) {
        _exit(atoi(name));
    } else {
        fprintf(stderr, "no command: %s\n", what);
        exit(64);
    }
    free(whole);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0); // Python and children write to the same file
    for (int i = 1; i < argc; ++i) {
        run(argv[i]);
    }
    return 0;
}
