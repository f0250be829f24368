// The host: calls each contender's functions, in one process.
//
//   host PYTHON FOLDER time ROUNDS CONTENDER...   prints "condition signature contender round ns"
//                                                 lines
//   host PYTHON FOLDER count CONTENDER...         for callgrind: a dump for each contender,
//   signature
//                                                 and each of two numbers of calls
//
// PYTHON is the executable whose packages are used, FOLDER has the contenders. A round calls all
// contenders of a signature, one batch each, in a new random order: what disturbs the machine for
// longer than some milliseconds disturbs all of them, so that ratios within a round hold.
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pthread.h>
#include <time.h>
#include <valgrind/callgrind.h>

#include <epy.h>

#include "batches.h"
#include "signatures.h"

enum { most_contenders = 16, most_batches = 16, warm_calls = 100, trial_calls = 300 };

typedef struct {
    const char *name;
    void *functions[most_batches]; // NULL: it has none of this signature
    void *object;                  // for the functions that take one
    const epy_api *entered;        // its batches run inside of epy_enter
} contender;

static contender contenders[most_contenders];
static int contender_count;
static PyThreadState *main_state; // while the main thread has let go of the GIL

static void fail(const char *what, const char *name) {
    fprintf(stderr, "bench host: %s: %s\n", what, name);
    exit(1);
}

// ---- one batch

typedef struct {
    const batch *batch;
    const contender *contender;
    void *function;
    int calls;
    pthread_barrier_t *start; // for threads that run at once
    double begin, end;        // out, nanoseconds
} job;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

static void run_checked(const job *what, int calls) {
    const contender *who = what->contender;
    epy_scope scope;
    if (who->entered != NULL && who->entered->enter(&scope) != 0) {
        fail("epy_enter", who->entered->last_error());
    }
    const int wrong = what->batch->run(what->function, who->object, calls);
    if (who->entered != NULL) {
        who->entered->leave(&scope);
    }
    if (wrong != 0) {
        fprintf(stderr, "bench host: wrong results of %s in %s\n", what->batch->name, who->name);
        exit(1);
    }
}

static void run_timed(job *what) {
    run_checked(what, warm_calls);
    if (what->start != NULL) {
        pthread_barrier_wait(what->start);
    }
    what->begin = now();
    run_checked(what, what->calls);
    what->end = now();
}

// ---- the conditions: each returns nanoseconds per call

static double gil_free(job *what) {
    run_timed(what);
    return (what->end - what->begin) / what->calls;
}

static double gil_held(job *what) {
    PyEval_RestoreThread(main_state);
    const double result = gil_free(what);
    main_state = PyEval_SaveThread();
    return result;
}

static void *run_thread(void *what) {
    run_timed(what);
    return NULL;
}

static double fresh_thread(job *what) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_thread, what) != 0) {
        fail("no thread", what->contender->name);
    }
    pthread_join(thread, NULL);
    return (what->end - what->begin) / what->calls;
}

static double two_threads(job *what) {
    pthread_t thread;
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, 2);
    what->start = &start;
    job other = *what;
    if (pthread_create(&thread, NULL, run_thread, &other) != 0) {
        fail("no thread", what->contender->name);
    }
    fresh_thread(what);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&start);
    const double begin = what->begin < other.begin ? what->begin : other.begin;
    const double end = what->end > other.end ? what->end : other.end;
    return (end - begin) / (2.0 * what->calls);
}

typedef struct {
    const char *name;
    double (*measure)(job *);
    double batch_ns; // how long a batch is to take: long where threads must meet
    int rounds_part; // this fraction of the rounds
    int needs_held;  // whether a contender that never takes the GIL can run
} condition;

static const condition conditions[] = {
    {"T1", gil_free, 3e5, 1, 0},
    {"T2", fresh_thread, 3e5, 1, 0},
    {"T3", gil_held, 3e5, 1, 1},
    {"T4", two_threads, 6e6, 5, 0},
};

// ---- rounds

static unsigned random_below(unsigned limit) {
    static unsigned state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % limit;
}

static int runs(const condition *how, const contender *who, int signature) {
    return who->functions[signature] != NULL &&
           (how->needs_held || strcmp(who->name, "capi_held") != 0);
}

static job job_of(const contender *who, int signature, int calls) {
    return (job){.batch = &batches[signature],
                 .contender = who,
                 .function = who->functions[signature],
                 .calls = calls};
}

static void time_signature(const condition *how, int signature, int rounds) {
    const contender *order[most_contenders];
    int calls[most_contenders];
    int count = 0;
    for (const contender *who = contenders; who < contenders + contender_count; ++who) {
        if (runs(how, who, signature)) {
            job trial = job_of(who, signature, trial_calls);
            const double fitting = how->batch_ns / how->measure(&trial);
            calls[who - contenders] = fitting < trial_calls ? trial_calls : (int)fitting;
            order[count++] = who;
        }
    }
    for (int round = 0; round < rounds; ++round) {
        for (int i = count - 1; i > 0; --i) {
            const int j = (int)random_below((unsigned)i + 1);
            const contender *swapped = order[i];
            order[i] = order[j];
            order[j] = swapped;
        }
        for (int i = 0; i < count; ++i) {
            job timed = job_of(order[i], signature, calls[order[i] - contenders]);
            const double ns = how->measure(&timed);
            printf("%s %s %s %d %.4f\n", how->name, batches[signature].name, order[i]->name, round,
                   ns);
        }
    }
}

static void time_all(int rounds) {
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; ++i) {
        for (int signature = 0; signature < batch_count; ++signature) {
            time_signature(&conditions[i], signature, rounds / conditions[i].rounds_part);
        }
    }
}

// The difference between the two dumps of a function is the calls' own.
static void count(const job *counted) {
    enum { few = 1000, many = 3000 };
    run_checked(counted, warm_calls);
    CALLGRIND_START_INSTRUMENTATION;
    for (int calls = few; calls <= many; calls += many - few) {
        CALLGRIND_ZERO_STATS;
        run_checked(counted, calls);
        char label[64];
        snprintf(label, sizeof label, "%s %s %d", counted->batch->name, counted->contender->name,
                 calls);
        CALLGRIND_DUMP_STATS_AT(label);
    }
    CALLGRIND_STOP_INSTRUMENTATION;
}

static void count_all(void) {
    for (const contender *who = contenders; who < contenders + contender_count; ++who) {
        const int held = strcmp(who->name, "capi_held") == 0;
        if (held) {
            PyEval_RestoreThread(main_state);
        }
        for (int signature = 0; signature < batch_count; ++signature) {
            if (who->functions[signature] != NULL) {
                const job counted = job_of(who, signature, 0);
                count(&counted);
            }
        }
        if (held) {
            main_state = PyEval_SaveThread();
        }
    }
}

// ---- the start

static void start_python(char *executable) {
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    PyConfig_SetBytesString(&config, &config.executable, executable);
    const PyStatus status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status)) {
        Py_ExitStatusException(status);
    }
}

static void add_contender(PyObject *module, const char *folder, const char *name) {
    PyObject *found = PyObject_CallMethod(module, "addresses", "ss", folder, name);
    if (found == NULL) {
        PyErr_Print();
        fail("cannot load", name);
    }
    contender *added = &contenders[contender_count++];
    added->name = name;
    for (int i = 0; i < batch_count; ++i) {
        PyObject *address = PyDict_GetItemString(found, batches[i].name);
        added->functions[i] = address == NULL ? NULL : PyLong_AsVoidPtr(address);
    }
    PyObject *voice_new = PyDict_GetItemString(found, "voice_new");
    added->object = added;
    if (voice_new != NULL) {
        added->object = ((voice_new_function *)PyLong_AsVoidPtr(voice_new))();
    }
    if (strcmp(name, "epy_batch") == 0) {
        added->entered = epy_connect(NULL);
    }
    Py_DECREF(found);
}

int main(int argc, char **argv) {
    const int counting = argc > 3 && strcmp(argv[3], "count") == 0;
    const int first = counting ? 4 : 5;
    if (argc <= first || argc - first > most_contenders) {
        fail("how to call it is said in", "host.c");
    }
    start_python(argv[1]);
    PyObject *module = PyImport_ImportModule("contenders");
    if (module == NULL) {
        PyErr_Print();
        return 1;
    }
    for (int i = first; i < argc; ++i) {
        add_contender(module, argv[2], argv[i]);
    }
    main_state = PyEval_SaveThread();
    if (counting) {
        count_all();
    } else {
        time_all(atoi(argv[4]));
    }
    fflush(stdout);
    _exit(0); // what the contenders keep needs no tearing down
}
