// As weechat's python plugin: a module of its own, a sub-interpreter for each script, whose state
// stays current; the main one's for Py_Finalize at the end.
#include <Python.h>

static PyThreadState *main_state, *scripts[2];
static int count;

static PyObject *number(PyObject *self, PyObject *unused) {
    (void)self;
    (void)unused;
    return PyLong_FromLong(count);
}

static PyMethodDef methods[] = {{"number", number, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "weechat", NULL, -1, methods, NULL, NULL, NULL, NULL};

static PyObject *make_module(void) { return PyModule_Create(&definition); }

int start(void) {
    PyImport_AppendInittab("weechat", make_module);
    Py_Initialize();
    if (!Py_IsInitialized())
        return -1;
    main_state = PyThreadState_Get();
    return main_state == NULL ? -2 : 0;
}

int script(void) {
    scripts[count] = Py_NewInterpreter();
    if (scripts[count] == NULL)
        return -1;
    count++;
    return PyRun_SimpleString("import weechat, sys\nassert weechat.number() > 0\n"
                              "assert 'weechat' in sys.builtin_module_names\n");
}

int finish(void) {
    while (count > 0) {
        PyThreadState_Swap(scripts[--count]);
        Py_EndInterpreter(scripts[count]);
    }
    PyThreadState_Swap(main_state);
    Py_Finalize();
    return Py_IsInitialized();
}
