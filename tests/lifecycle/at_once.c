// A host that initializes its Python on one thread while another one calls a plugin for the first
// time: at_once PLUGIN ROUNDS. Each round is a process of its own; from round to round the host, or
// in every other one the plugin, comes a little later.
#include <Python.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_barrier_t both;
static const char *path;
static long host_delay, plugin_delay; // in us

static void pause_for(long delay) {
    const struct timespec time = {0, delay * 1000};
    if (delay != 0)
        nanosleep(&time, NULL);
}

static void *call_plugin(void *sum) {
    void *plugin = dlopen(path, RTLD_NOW);
    int (*add)(int, int) = (int (*)(int, int))dlsym(plugin, "add");
    pthread_barrier_wait(&both);
    pause_for(plugin_delay);
    *(int *)sum = add(2, 3);
    return NULL;
}

static int round_of(void) {
    int sum = 0;
    pthread_t thread;
    pthread_barrier_init(&both, NULL, 2);
    pthread_create(&thread, NULL, call_plugin, &sum);
    pthread_barrier_wait(&both);
    pause_for(host_delay);
    Py_InitializeEx(0);
    if (!Py_IsInitialized() || !PyGILState_Check())
        return 2;
    if (PyRun_SimpleString("import threading\n"
                           "assert threading.current_thread() is threading.main_thread()\n") != 0)
        return 3;
    PyThreadState *state = PyEval_SaveThread();
    pthread_join(thread, NULL);
    PyEval_RestoreThread(state);
    return sum != 5 ? 4 : Py_FinalizeEx() != 0 ? 5 : 0;
}

int main(int count, char **arguments) {
    path = arguments[1];
    const int rounds = count > 2 ? atoi(arguments[2]) : 1;
    for (int i = 0; i < rounds; ++i) {
        const long delay = i * 40000L / rounds;
        host_delay = i % 2 == 0 ? delay : 0;
        plugin_delay = i % 2 == 0 ? 0 : delay;
        const pid_t child = fork();
        if (child == 0)
            exit(round_of());
        int status = 0;
        waitpid(child, &status, 0);
        if (status != 0) {
            printf("round %d, %ld us: %x\n", i, delay, status);
            return 1;
        }
    }
    printf("%d rounds\n", rounds);
    return 0;
}
