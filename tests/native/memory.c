// A host whose memory runs out: the n-th allocation of the process fails, in one of its phases.
//
//   memory PLUGIN PHASE FROM TO STEP COUNT
//
//   first    the first call of all, which starts Python
//   again    the first call of a plugin that is loaded again
//   call     a later call
//   thread   the first call on a thread
//   fork     fork, and a call in the child
//   unload   dlclose
//   exit     the end of the process
//   limit    the first call of all, with no more than N * 256 KB of further address space
//   python   the start of Python itself, without a plugin: PLUGIN is its libpython
//
// For each n a forked child fails the n-th allocation and the COUNT - 1 that follow it. malloc and
// its like count, mmap of memory without a file, and the making of a thread; once Python runs also
// what it takes from its own allocators. For each n a line, "N: " and "right value", "error value",
// "error value for good" (of a start: the next call has it, too), "wrong value", "next call fails"
// or "signal S"; below it, indented, what came on stderr, of a crash the functions that it happened
// in, and those that allocations failed in. The last one is "N: no allocation failed".
//
// The plugin has int work(int n), which returns n or -1, and int check(int n), which must return n.
//
// Long because the allocators that fail, and the phases that they fail in, are one program.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static long armed;   // allocations are counted
static long counted; // since then
static long first, last;

enum { most_frames = 24, most_refused = 64 };
static struct {
    int count;
    void *frames[most_frames];
} refused[most_refused];
static int refused_count;

static void remember_refusal(void) {
    static __thread int is_here; // what looks for the frames may allocate
    const int error = errno;
    if (!is_here) {
        const int number = __atomic_fetch_add(&refused_count, 1, __ATOMIC_RELAXED);
        if (number < most_refused) {
            is_here = 1;
            refused[number].count = backtrace(refused[number].frames, most_frames);
            is_here = 0;
        }
    }
    errno = error;
}

static int fails(void) {
    if (__atomic_load_n(&armed, __ATOMIC_ACQUIRE) == 0) {
        return 0;
    }
    const long number = __atomic_add_fetch(&counted, 1, __ATOMIC_RELAXED);
    if (number < first || number > last) {
        return 0;
    }
    remember_refusal();
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size) { return fails() ? NULL : __libc_malloc(size); }

void *calloc(size_t count, size_t size) { return fails() ? NULL : __libc_calloc(count, size); }

void *realloc(void *old, size_t size) { return fails() ? NULL : __libc_realloc(old, size); }

void *memalign(size_t alignment, size_t size) {
    return fails() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **place, size_t alignment, size_t size) {
    void *made = memalign(alignment, size);
    if (made != NULL) {
        *place = made;
    }
    return made == NULL ? ENOMEM : 0;
}

void *mmap(void *place, size_t size, int protection, int flags, int file, off_t offset) {
    if ((flags & MAP_ANONYMOUS) != 0 && fails()) {
        return MAP_FAILED;
    }
    void *made = (void *)syscall(SYS_mmap, place, size, protection, flags, file, offset);
    if (made == MAP_FAILED && errno == ENOMEM) { // under a limit
        remember_refusal();
    }
    return made;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *argument) {
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    }
    return fails() ? EAGAIN : real(thread, attributes, run, argument);
}

// ---- Python's allocators

struct allocator {
    void *context;
    void *(*malloc)(void *, size_t);
    void *(*calloc)(void *, size_t, size_t);
    void *(*realloc)(void *, void *, size_t);
    void (*free)(void *, void *);
};

static struct allocator pythons[3];

static void *python_malloc(void *own, size_t size) {
    struct allocator *real = own;
    return fails() ? NULL : real->malloc(real->context, size);
}

static void *python_calloc(void *own, size_t count, size_t size) {
    struct allocator *real = own;
    return fails() ? NULL : real->calloc(real->context, count, size);
}

static void *python_realloc(void *own, void *old, size_t size) {
    struct allocator *real = own;
    return fails() ? NULL : real->realloc(real->context, old, size);
}

static void python_free(void *own, void *old) {
    struct allocator *real = own;
    real->free(real->context, old);
}

// The domains of PyMem_Malloc and PyObject_Malloc; that of PyMem_RawMalloc is malloc.
static void watch_python(void) {
    void (*get)(int, struct allocator *) = NULL;
    void (*set)(int, struct allocator *) = NULL;
    *(void **)&get = dlsym(RTLD_DEFAULT, "PyMem_GetAllocator");
    *(void **)&set = dlsym(RTLD_DEFAULT, "PyMem_SetAllocator");
    for (int domain = 1; get != NULL && domain < 3; ++domain) {
        get(domain, &pythons[domain]);
        struct allocator ours = {&pythons[domain], python_malloc, python_calloc, python_realloc,
                                 python_free};
        set(domain, &ours);
    }
}

// ---- the phases

static void *plugin;
static int (*work)(int);
static int (*check)(int);

static void load(const char *path) {
    plugin = dlopen(path, RTLD_NOW);
    if (plugin == NULL) {
        printf("%s\n", dlerror());
        exit(2);
    }
    *(void **)&work = dlsym(plugin, "work");
    *(void **)&check = dlsym(plugin, "check");
}

static void arm(long n, long count) {
    first = n;
    last = n + count - 1;
    counted = 0;
    __atomic_store_n(&armed, 1, __ATOMIC_RELEASE);
}

static void disarm(void) { __atomic_store_n(&armed, 0, __ATOMIC_RELEASE); }

enum outcome {
    right_value,
    error_value,
    failed_start,
    wrong_value,
    next_call_fails,
    nothing_failed
};
static const char *const names[] = {"right value", "error value",     "error value for good",
                                    "wrong value", "next call fails", "no allocation failed"};

static enum outcome call_armed(long n, long count, int is_start) {
    arm(n, count);
    const int value = work(7);
    disarm();
    if (value != 7 && value != -1) {
        return wrong_value;
    }
    const int next = check(9);
    if (next != 9) {
        return is_start && value == -1 && next == -1 ? failed_start : next_call_fails;
    }
    return value == -1 ? error_value : counted < n ? nothing_failed : right_value;
}

struct thread_call {
    long n, count;
    enum outcome outcome;
};

static void *call_on_thread(void *argument) {
    struct thread_call *this = argument;
    this->outcome = call_armed(this->n, this->count, 0);
    return NULL;
}

static enum outcome fork_armed(long n, long count) {
    arm(n, count);
    const pid_t child = fork();
    if (child == 0) {
        disarm();
        _exit(check(3) == 3 ? right_value : next_call_fails);
    }
    disarm();
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
        raise(WTERMSIG(status));
    }
    if (WEXITSTATUS(status) != right_value || check(4) != 4) {
        return next_call_fails;
    }
    return counted < n ? nothing_failed : right_value;
}

// As any C program starts it.
static enum outcome start_python(const char *path, long n, long count) {
    void (*initialize)(int) = NULL;
    *(void **)&initialize = dlsym(dlopen(path, RTLD_NOW | RTLD_GLOBAL), "Py_InitializeEx");
    arm(n, count);
    initialize(0);
    disarm();
    return counted < n ? nothing_failed : right_value;
}

static enum outcome call_limited(long n) {
    long pages = 0;
    FILE *sizes = fopen("/proc/self/statm", "r");
    if (sizes == NULL || fscanf(sizes, "%ld", &pages) != 1) {
        return wrong_value;
    }
    fclose(sizes);
    struct rlimit limit = {(rlim_t)(pages * sysconf(_SC_PAGESIZE) + n * (256 << 10)),
                           RLIM_INFINITY};
    setrlimit(RLIMIT_AS, &limit);
    const int value = work(7);
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_AS, &limit);
    return check(9) != 9 ? next_call_fails
           : value == 7  ? nothing_failed
           : value == -1 ? error_value
                         : wrong_value;
}

static enum outcome run_phase(const char *phase, const char *path, long n, long count) {
    if (strcmp(phase, "python") == 0) {
        return start_python(path, n, count);
    }
    if (strcmp(phase, "first") == 0) {
        return call_armed(n, count, 1);
    }
    if (strcmp(phase, "limit") == 0) {
        return call_limited(n);
    }
    if (check(1) != 1) {
        return next_call_fails;
    }
    watch_python();
    if (strcmp(phase, "call") == 0) {
        return work(1) == 1 ? call_armed(n, count, 0) : wrong_value;
    }
    if (strcmp(phase, "thread") == 0) {
        struct thread_call this = {n, count, right_value};
        pthread_t thread;
        pthread_create(&thread, NULL, call_on_thread, &this);
        pthread_join(thread, NULL);
        return this.outcome;
    }
    if (strcmp(phase, "fork") == 0) {
        return fork_armed(n, count);
    }
    if (strcmp(phase, "exit") == 0) {
        arm(n, count);
        exit(0);
    }
    if (strcmp(phase, "again") == 0) {
        dlclose(plugin);
        load(path);
        return call_armed(n, count, 1);
    }
    arm(n, count);
    dlclose(plugin);
    disarm();
    load(path);
    return check(2) != 2 ? next_call_fails : counted < n ? nothing_failed : right_value;
}

// "INNER < OUTER < ...", and the end. The names are those that libraries export, else the library's
// own.
static void tell_frames(void *const *frames, int count) {
    for (int i = 0; i < count; ++i) {
        Dl_info found = {0};
        dladdr(frames[i], &found);
        const char *name = found.dli_sname == NULL ? found.dli_fname : found.dli_sname;
        const char *slash = name == NULL ? NULL : strrchr(name, '/');
        dprintf(STDERR_FILENO, "%s%s", i == 0 ? " " : " < ",
                name == NULL    ? "?"
                : slash == NULL ? name
                                : slash + 1);
    }
}

static void tell_about_crash(int number) {
    void *frames[most_frames];
    disarm();
    const int count = backtrace(frames, most_frames);
    dprintf(STDERR_FILENO, "crashed in");
    tell_frames(frames + 2, count - 2); // this function, the signal's frame
    for (int i = 0; i < refused_count && i < most_refused; ++i) {
        dprintf(STDERR_FILENO, "\nno memory in");
        tell_frames(refused[i].frames, refused[i].count);
    }
    dprintf(STDERR_FILENO, "\n");
    signal(number, SIG_DFL);
    raise(number);
}

// Registered before Python's exit functions, so it is the last one.
static void tell_about_exit(void) {
    if (armed) {
        disarm();
        _exit(counted < first ? nothing_failed : right_value);
    }
}

static void show(FILE *file) {
    char line[4096];
    rewind(file);
    while (fgets(line, sizeof line, file) != NULL) {
        printf("    %s", line);
    }
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 7) {
        fprintf(stderr, "usage: memory PLUGIN PHASE FROM TO STEP COUNT\n");
        return 2;
    }
    const char *phase = argv[2];
    const long to = atol(argv[4]);
    void *frame = NULL;
    backtrace(&frame, 1); // loads what it needs
    signal(SIGSEGV, tell_about_crash);
    signal(SIGABRT, tell_about_crash);
    atexit(tell_about_exit);
    if (strcmp(phase, "python") != 0) {
        load(argv[1]);
    }
    if (strcmp(phase, "call") == 0 || strcmp(phase, "thread") == 0 || strcmp(phase, "fork") == 0) {
        check(1); // once for all
    }
    for (long n = atol(argv[3]); n <= to; n += atol(argv[5])) {
        FILE *errors = tmpfile();
        const pid_t child = fork();
        if (child == 0) {
            alarm(300); // for one that hangs
            dup2(fileno(errors), STDERR_FILENO);
            _exit(run_phase(phase, argv[1], n, atol(argv[6])));
        }
        int status = 0;
        waitpid(child, &status, 0);
        if (WIFSIGNALED(status)) {
            printf("%ld: signal %d\n", n, WTERMSIG(status));
        } else if (WEXITSTATUS(status) <= nothing_failed) {
            printf("%ld: %s\n", n, names[WEXITSTATUS(status)]);
        } else {
            printf("%ld: exit status %d\n", n, WEXITSTATUS(status));
        }
        show(errors);
        fclose(errors);
        if (WIFEXITED(status) && WEXITSTATUS(status) == nothing_failed) {
            return 0;
        }
    }
    return 0;
}
