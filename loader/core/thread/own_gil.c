#define Py_BUILD_CORE 1
#include "loader/core/thread/own_gil.h"

#if PY_VERSION_HEX >= 0x030d0000 && !defined(Py_GIL_DISABLED)
#include <internal/pycore_interp.h>

int epy_own_gil_is_taken(PyInterpreterState *one) {
    // That the main one has its own shows that this CPython's headers are those that were compiled.
    return PyInterpreterState_Main()->ceval.own_gil == 1 && one->ceval.own_gil == 1 &&
           one->ceval.gil->locked == 1;
}
#else
int epy_own_gil_is_taken(PyInterpreterState *one) {
    (void)one;
    return 0;
}
#endif
