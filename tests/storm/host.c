// host ROUNDS [FIRST]: a storm in each of so many processes. With -DEMBEDDING the host has a Python
// of its own, which it initializes before the storm or, in every other process, meanwhile.
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int storm(int random);

#ifdef EMBEDDING
#include <Python.h>

#include <pthread.h>

static void *storm_aside(void *random) {
    storm((int)(long)random);
    return NULL;
}

static void round_of(int random) {
    pthread_t aside;
    if (random % 2 == 0) {
        Py_InitializeEx(0);
    }
    pthread_create(&aside, NULL, storm_aside, (void *)(long)random);
    if (random % 2 != 0) {
        usleep(1000 * (random % 50));
        Py_InitializeEx(0);
    }
    PyRun_SimpleString("import ctypes, json, threading\nheld = ctypes.CDLL('./plugin0.so')\n");
    for (int i = 0; i < 20; ++i) {
        PyRun_SimpleString("assert held.work(1) == 10\n"
                           "t = threading.Thread(target=json.dumps, args=([1],))\n"
                           "t.start(); t.join()\n");
    }
    PyThreadState *state = PyEval_SaveThread();
    pthread_join(aside, NULL);
    PyEval_RestoreThread(state);
    exit(Py_FinalizeEx() == 0 ? 0 : 72);
}
#else
static void round_of(int random) {
    storm(random);
    exit(0);
}
#endif

enum { limit = 500 }; // seconds, for a hang

int main(int count, char **arguments) {
    const int rounds = atoi(arguments[1]);
    const int first = count > 2 ? atoi(arguments[2]) : 1;
    for (int i = first; i < first + rounds; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(limit);
            round_of(i);
        }
        int status = 0;
        waitpid(child, &status, 0);
        if (status != 0) {
            printf("round %d: status %#x\n", i, status);
            return 1;
        }
    }
    return 0;
}
