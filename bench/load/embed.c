// What a first call cannot be faster than: a C program that starts Python the way epy does and
// imports ctypes. Arguments: libpython, the Python executable. Prints nanoseconds.
#include <Python.h>
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

#define LOOK_UP(name) __typeof__(&name) find_##name = (__typeof__(&name))dlsym(python, #name)

int main(int argc, char **argv) {
    const double start = now();
    void *python = argc == 3 ? dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL) : NULL;
    if (python == NULL) {
        fprintf(stderr, "usage: embed LIBPYTHON EXECUTABLE\n");
        return 2;
    }
    LOOK_UP(PyPreConfig_InitIsolatedConfig);
    LOOK_UP(Py_PreInitialize);
    LOOK_UP(PyConfig_InitIsolatedConfig);
    LOOK_UP(PyConfig_SetBytesString);
    LOOK_UP(Py_InitializeFromConfig);
    LOOK_UP(PyRun_SimpleString);
    PyPreConfig before;
    find_PyPreConfig_InitIsolatedConfig(&before);
    before.utf8_mode = 1;
    find_Py_PreInitialize(&before);
    PyConfig config;
    find_PyConfig_InitIsolatedConfig(&config);
    config.install_signal_handlers = 0;
    config.site_import = 0;
    find_PyConfig_SetBytesString(&config, &config.executable, argv[2]);
    find_Py_InitializeFromConfig(&config);
    const int status = find_PyRun_SimpleString("import ctypes");
    printf("%.0f\n", now() - start);
    return status;
}
