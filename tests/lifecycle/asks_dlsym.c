// As vim +python3/dyn and FreeRADIUS: libpython is opened by name, its functions are asked for by
// name.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

static void *python;

static void *function(const char *name) {
    if (python == NULL)
        python = dlopen(LIBPYTHON, RTLD_LAZY | RTLD_GLOBAL);
    return dlsym(python, name);
}

int work(void) {
    if (!((int (*)(void))function("Py_IsInitialized"))()) {
        ((void (*)(void))function("Py_Initialize"))();
    }
    if (!((int (*)(void))function("PyGILState_Check"))())
        return -1;
    const int result = ((int (*)(const char *))function("PyRun_SimpleString"))("import sys, json");
    void *state = ((void *(*)(void))function("PyEval_SaveThread"))();
    ((void (*)(void *))function("PyEval_RestoreThread"))(state);
    ((void *(*)(void))function("PyEval_SaveThread"))();
    return result;
}
