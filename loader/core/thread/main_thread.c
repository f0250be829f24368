// Python's main thread: the one whose signal handlers run, and which waits for the others at the
// end.
//
// It is the one that started Python, which may be any of the host's, and may have ended. CPython
// lets nobody else become it except after a fork, so this is the one place that changes what is
// CPython's own. In C: its internal headers are not C++.
#define Py_BUILD_CORE 1
#include "loader/core/thread/main_thread.h"

#include <Python.h>
#include <internal/pycore_runtime.h>

// Where this CPython has it, or the headers were those of another one.
static int is_known = 0;

void epy_look_for_main_thread(void) {
    is_known = _PyRuntime.main_thread == PyThread_get_thread_ident();
}

void epy_become_main_thread(void) {
    if (is_known) {
        _PyRuntime.main_thread = PyThread_get_thread_ident();
    }
}
