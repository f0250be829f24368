// What a load and an unload of a plugin with an interpreter of its own leave in memory, and what an
// interpreter leaves that Python alone makes and ends:
//
//   cycles plugin ./plugin.so COUNT     int f(void) is called in each
//   cycles bare "import ctypes" COUNT   that is run in each
#include <Python.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long resident_kilobytes(void) {
    long all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%ld %ld", &all, &resident) != 2) {
        exit(2);
    }
    fclose(file);
    return resident * 4;
}

static void load_and_unload(const char *path) {
    void *plugin = dlopen(path, RTLD_NOW);
    int (*f)(void) = plugin == NULL ? NULL : (int (*)(void))dlsym(plugin, "f");
    if (f == NULL || f() < 0) {
        fprintf(stderr, "%s\n", plugin == NULL ? dlerror() : "f failed");
        exit(2);
    }
    dlclose(plugin);
}

static void make_and_end(const char *code) {
    const PyInterpreterConfig config = {.allow_fork = 1,
                                        .allow_exec = 1,
                                        .allow_threads = 1,
                                        .check_multi_interp_extensions = 1,
                                        .gil = PyInterpreterConfig_OWN_GIL};
    PyThreadState *const before = PyThreadState_Get();
    PyThreadState *made = NULL;
    if (PyStatus_Exception(Py_NewInterpreterFromConfig(&made, &config)) ||
        PyRun_SimpleString(code) != 0) {
        exit(2);
    }
    Py_EndInterpreter(made);
    PyThreadState_Swap(before);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: cycles plugin|bare FILE|CODE COUNT\n");
        return 2;
    }
    const int is_bare = strcmp(argv[1], "bare") == 0;
    const int count = atoi(argv[3]), warm = count / 10;
    if (is_bare) {
        Py_InitializeEx(0);
    }
    long before = 0;
    for (int i = 0; i < count; ++i) {
        if (i == warm) {
            before = resident_kilobytes();
        }
        (is_bare ? make_and_end : load_and_unload)(argv[2]);
    }
    printf("%s: %.1f KB a cycle\n", argv[1],
           (double)(resident_kilobytes() - before) / (count - warm));
}
