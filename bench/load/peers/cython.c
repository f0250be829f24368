// Starts Python for cython_peer.pyx, as Cython's documentation shows it.
#include <Python.h>

#include "cython_peer.h"

int add(int a, int b) {
    static int started;
    if (!started) {
        PyImport_AppendInittab("cython_peer", PyInit_cython_peer);
        Py_InitializeEx(0);
        PyImport_ImportModule("cython_peer");
        PyEval_SaveThread();
        started = 1;
    }
    return add_in_python(a, b);
}
