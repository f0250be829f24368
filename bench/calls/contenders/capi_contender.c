// The C API by hand. With HELD, the functions rely on the caller's GIL: the practical limit.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#ifdef HELD
#define MODULE_NAME "capi_held_contender"
#define MODULE_INIT PyInit_capi_held_contender
#define ENTER
#define LEAVE
#else
#define MODULE_NAME "capi_contender"
#define MODULE_INIT PyInit_capi_contender
#define ENTER const PyGILState_STATE gil = PyGILState_Ensure()
#define LEAVE PyGILState_Release(gil)
#endif
#define EXPORT __attribute__((visibility("default")))

enum { most_arguments = 8 };

static PyObject *bodies;
static PyObject *f_, *add_, *f3_, *text_len_, *process_, *mixed_, *process_view_;

// Takes the arguments; one that could not be made is NULL, with the exception set.
static PyObject *call(PyObject *function, PyObject **arguments, size_t count) {
    PyObject *stack[1 + most_arguments] = {NULL};
    PyObject *result = NULL;
    size_t made = 0;
    for (; made < count && arguments[made] != NULL; ++made) {
        stack[1 + made] = arguments[made];
    }
    if (made == count) {
        result =
            PyObject_Vectorcall(function, stack + 1, count | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    }
    for (size_t i = 0; i < count; ++i) {
        Py_XDECREF(arguments[i]);
    }
    return result;
}

static void report(void) {
    if (PyErr_Occurred()) {
        PyErr_WriteUnraisable(NULL);
    }
}

static int as_int(PyObject *result) {
    const long value = result == NULL ? 0 : PyLong_AsLong(result);
    Py_XDECREF(result);
    if (result == NULL || value == -1) {
        report();
    }
    return (int)value;
}

static double as_double(PyObject *result) {
    const double value = result == NULL ? 0 : PyFloat_AsDouble(result);
    Py_XDECREF(result);
    if (result == NULL || value == -1) {
        report();
    }
    return value;
}

static size_t as_size(PyObject *result) {
    const size_t value = result == NULL ? 0 : PyLong_AsSize_t(result);
    Py_XDECREF(result);
    if (result == NULL || value == (size_t)-1) {
        report();
    }
    return value;
}

EXPORT void f(void) {
    ENTER;
    PyObject *result = PyObject_CallNoArgs(f_);
    if (result == NULL) {
        report();
    }
    Py_XDECREF(result);
    LEAVE;
}

EXPORT int add(int a, int b) {
    ENTER;
    PyObject *arguments[] = {PyLong_FromLong(a), PyLong_FromLong(b)};
    const int result = as_int(call(add_, arguments, 2));
    LEAVE;
    return result;
}

EXPORT double f3(double a, double b, double c) {
    ENTER;
    PyObject *arguments[] = {PyFloat_FromDouble(a), PyFloat_FromDouble(b), PyFloat_FromDouble(c)};
    const double result = as_double(call(f3_, arguments, 3));
    LEAVE;
    return result;
}

EXPORT size_t len(const char *text) {
    ENTER;
    PyObject *arguments[] = {PyBytes_FromString(text)};
    const size_t result = as_size(call(text_len_, arguments, 1));
    LEAVE;
    return result;
}

EXPORT int process(void *handle, int mode, const double *samples, size_t count) {
    ENTER;
    PyObject *arguments[] = {PyLong_FromVoidPtr(handle), PyLong_FromLong(mode),
                             PyLong_FromVoidPtr((void *)samples), PyLong_FromSize_t(count)};
    const int result = as_int(call(process_, arguments, 4));
    LEAVE;
    return result;
}

EXPORT double mixed(int a, double b, int c, double d, int e, double f, int g, double h) {
    ENTER;
    PyObject *arguments[] = {
        PyLong_FromLong(a), PyFloat_FromDouble(b), PyLong_FromLong(c), PyFloat_FromDouble(d),
        PyLong_FromLong(e), PyFloat_FromDouble(f), PyLong_FromLong(g), PyFloat_FromDouble(h),
    };
    const double result = as_double(call(mixed_, arguments, 8));
    LEAVE;
    return result;
}

EXPORT int process_view(void *handle, int mode, const double *samples, size_t count) {
    ENTER;
    Py_ssize_t shape = (Py_ssize_t)count;
    Py_ssize_t stride = sizeof *samples;
    Py_buffer buffer = {.buf = (void *)samples,
                        .len = shape * stride,
                        .itemsize = stride,
                        .readonly = 1,
                        .ndim = 1,
                        .format = "d",
                        .shape = &shape,
                        .strides = &stride};
    PyObject *arguments[] = {PyLong_FromVoidPtr(handle), PyLong_FromLong(mode),
                             PyMemoryView_FromBuffer(&buffer), PyLong_FromSize_t(count)};
    const int result = as_int(call(process_view_, arguments, 4));
    LEAVE;
    return result;
}

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = MODULE_NAME, .m_size = -1};

PyMODINIT_FUNC MODULE_INIT(void) {
    bodies = PyImport_ImportModule("bodies");
    if (bodies == NULL) {
        return NULL;
    }
    f_ = PyObject_GetAttrString(bodies, "f");
    add_ = PyObject_GetAttrString(bodies, "add");
    f3_ = PyObject_GetAttrString(bodies, "f3");
    text_len_ = PyObject_GetAttrString(bodies, "text_len");
    process_ = PyObject_GetAttrString(bodies, "process");
    mixed_ = PyObject_GetAttrString(bodies, "mixed");
    process_view_ = PyObject_GetAttrString(bodies, "process_view");
    return PyErr_Occurred() ? NULL : PyModule_Create(&definition);
}
