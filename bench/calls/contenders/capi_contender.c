// The C API by hand. With HELD, the functions rely on the caller's GIL: the practical limit.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "../signatures.h"

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
static PyObject *greet_, *voice_, *step_, *event_, *drive_;

typedef struct {
    PyObject_HEAD const struct event *at;
} event_object;

static PyObject *event_kind(PyObject *self, void *unused) {
    (void)unused;
    return PyLong_FromLong(((event_object *)self)->at->kind);
}

static PyObject *event_value(PyObject *self, void *unused) {
    (void)unused;
    return PyFloat_FromDouble(((event_object *)self)->at->value);
}

static PyGetSetDef event_fields[] = {
    {"kind", event_kind, NULL, NULL, NULL}, {"value", event_value, NULL, NULL, NULL}, {NULL}};

static PyTypeObject event_type = {PyVarObject_HEAD_INIT(NULL, 0).tp_name = MODULE_NAME ".Event",
                                  .tp_basicsize = sizeof(event_object),
                                  .tp_flags = Py_TPFLAGS_DEFAULT, .tp_getset = event_fields};

static PyObject *twice(PyObject *self, PyObject *argument) {
    (void)self;
    long number = PyLong_AsLong(argument);
    if (number == -1 && PyErr_Occurred()) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS;
    number = host_twice((int)number);
    Py_END_ALLOW_THREADS;
    return PyLong_FromLong(number);
}

static PyMethodDef methods[] = {{"host_twice", twice, METH_O, NULL}, {NULL}};

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

EXPORT const char *greet(const char *text) {
    static __thread PyObject *kept;
    ENTER;
    PyObject *arguments[] = {PyUnicode_FromString(text)};
    PyObject *result = call(greet_, arguments, 1);
    Py_XSETREF(kept, result);
    const char *greeting = result == NULL ? NULL : PyUnicode_AsUTF8(result);
    if (greeting == NULL) {
        report();
    }
    LEAVE;
    return greeting;
}

EXPORT void *voice_new(void) { return voice_; }

EXPORT double step(void *voice, double by) {
    ENTER;
    PyObject *arguments[] = {Py_NewRef(voice), PyFloat_FromDouble(by)};
    const double result = as_double(call(step_, arguments, 2));
    LEAVE;
    return result;
}

EXPORT double event(const struct event *at) {
    ENTER;
    event_object *one = PyObject_New(event_object, &event_type);
    if (one != NULL) {
        one->at = at;
    }
    PyObject *arguments[] = {(PyObject *)one};
    const double result = as_double(call(event_, arguments, 1));
    LEAVE;
    return result;
}

EXPORT int drive(int number) {
    ENTER;
    PyObject *arguments[] = {PyLong_FromLong(number)};
    const int result = as_int(call(drive_, arguments, 1));
    LEAVE;
    return result;
}

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = MODULE_NAME, .m_size = -1,
                                        .m_methods = methods};

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
    greet_ = PyObject_GetAttrString(bodies, "greet");
    event_ = PyObject_GetAttrString(bodies, "event");
    PyObject *voice = PyObject_GetAttrString(bodies, "Voice");
    PyObject *module = PyModule_Create(&definition);
    if (voice == NULL || module == NULL || PyType_Ready(&event_type) < 0) {
        return NULL;
    }
    voice_ = PyObject_CallNoArgs(voice);
    step_ = PyObject_GetAttrString(voice, "step");
    drive_ = PyObject_CallMethod(bodies, "driver", "O", module);
    Py_DECREF(voice);
    return PyErr_Occurred() ? NULL : module;
}
