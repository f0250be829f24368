// As PostgreSQL's plpython3.so: a module of its own, Py_Initialize when it is first used, and the
// GIL kept from then on.
#include <Python.h>

static PyObject *level(PyObject *self, PyObject *unused) {
    (void)self;
    (void)unused;
    return PyLong_FromLong(7);
}

static PyMethodDef methods[] = {{"level", level, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "plpy", NULL, -1, methods, NULL, NULL, NULL, NULL};

static PyObject *make_module(void) { return PyModule_Create(&definition); }

int work(void) {
    static PyObject *globals;
    if (globals == NULL) {
        PyImport_AppendInittab("plpy", make_module);
        Py_Initialize();
        if (!Py_IsInitialized() || !PyGILState_Check())
            return -2;
        PyObject *module = PyImport_ImportModule("plpy");
        if (module == NULL) {
            PyErr_Print();
            return -3;
        }
        globals = PyDict_Copy(PyModule_GetDict(PyImport_AddModule("__main__")));
        PyDict_SetItemString(globals, "plpy", module);
    }
    PyObject *result = PyRun_String("plpy.level() * 6", Py_eval_input, globals, globals);
    if (result == NULL) {
        PyErr_Print();
        return -4;
    }
    const int value = (int)PyLong_AsLong(result);
    Py_DECREF(result);
    return value;
}
