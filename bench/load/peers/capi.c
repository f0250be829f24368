// The C API by hand: the least that an embedder writes. Python is started as epy starts it:
// isolated, without site.
#include <Python.h>

static PyObject *function;

static void start(void) {
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.site_import = 0;
    config.install_signal_handlers = 0;
    Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    PyObject *names = PyModule_GetDict(PyImport_AddModule("__main__"));
    PyRun_String("def add(a, b):\n    return a + b\n", Py_file_input, names, names);
    function = PyDict_GetItemString(names, "add");
    PyEval_SaveThread();
}

int add(int a, int b) {
    if (function == NULL) {
        start();
    }
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *result = PyObject_CallFunction(function, "ii", a, b);
    const int sum = (int)PyLong_AsLong(result);
    Py_DECREF(result);
    PyGILState_Release(state);
    return sum;
}
