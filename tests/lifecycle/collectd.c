// As collectd's python plugin: a module of its own, Py_Initialize when it is configured, the GIL
// given up from then on; threads of the host's take it with PyGILState_Ensure; Py_Finalize at the
// end.
#include <Python.h>
#include <pthread.h>

static PyThreadState *saved;
static long count;

static PyObject *dispatch(PyObject *self, PyObject *unused) {
    (void)self;
    (void)unused;
    return PyLong_FromLong(++count);
}

static PyMethodDef methods[] = {{"dispatch", dispatch, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "collectd", NULL, -1, methods, NULL, NULL, NULL, NULL};

static PyObject *make_module(void) { return PyModule_Create(&definition); }

int configure(void) {
    if (Py_IsInitialized())
        return -1;
    // collectd appends its one; others give a whole table.
    struct _inittab modules[] = {{"collectd", make_module}, {NULL, NULL}};
    if (PyImport_ExtendInittab(modules) != 0)
        return -1;
    Py_Initialize();
#if PY_VERSION_HEX < 0x030d0000
    PyEval_InitThreads();
#endif
    const int result = PyRun_SimpleString("import collectd, sys\n"
                                          "assert 'collectd' in sys.builtin_module_names\n"
                                          "import threading, atexit\n"
                                          "assert threading.current_thread() is "
                                          "threading.main_thread()\n"
                                          "atexit.register(print, 'at exit', flush=True)\n");
    saved = PyEval_SaveThread();
    return result;
}

static void *read_values(void *unused) {
    PyGILState_STATE state = PyGILState_Ensure();
    PyRun_SimpleString("collectd.dispatch()");
    PyGILState_Release(state);
    return unused;
}

int work(void) {
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, read_values, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    return (int)count;
}

int finish(void) {
    PyEval_RestoreThread(saved);
    return Py_FinalizeEx();
}
