// A host whose Python opens a plugin, calls it and closes it, from wherever Python code runs:
// closes CODE. The code finds the module `of_host`.
#include <Python.h>
#include <dlfcn.h>
#include <stdio.h>

static void *plugin;
static int (*add_one)(int);

static PyObject *open_it(PyObject *self, PyObject *arguments) {
    plugin = dlopen("./plugin.so", RTLD_NOW);
    add_one = (int (*)(int))dlsym(plugin, "add_one");
    Py_RETURN_NONE;
}
static PyObject *call_it(PyObject *self, PyObject *arguments) {
    return PyLong_FromLong(plugin == NULL ? 0 : add_one(1));
}
static void close_plugin(void) {
    if (plugin != NULL)
        dlclose(plugin);
    plugin = NULL;
}
static PyObject *close_it(PyObject *self, PyObject *arguments) {
    close_plugin();
    Py_RETURN_NONE;
}
static PyObject *close_without_lock(PyObject *self, PyObject *arguments) {
    Py_BEGIN_ALLOW_THREADS;
    close_plugin();
    Py_END_ALLOW_THREADS;
    Py_RETURN_NONE;
}
static PyMethodDef methods[] = {{"open", open_it, METH_NOARGS, NULL},
                                {"call", call_it, METH_NOARGS, NULL},
                                {"close", close_it, METH_NOARGS, NULL},
                                {"close_without_lock", close_without_lock, METH_NOARGS, NULL},
                                {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "of_host", NULL, -1, methods, NULL, NULL, NULL, NULL};
static PyObject *make_module(void) { return PyModule_Create(&definition); }

int main(int count, char **arguments) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    PyImport_AppendInittab("of_host", make_module);
    Py_InitializeEx(0);
    printf("ran %d\n", PyRun_SimpleString(arguments[1]));
    printf("finalized %d\n", Py_FinalizeEx());
    puts("end");
    return 0;
}
