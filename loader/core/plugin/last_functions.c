#define Py_BUILD_CORE 1
#include "loader/core/plugin/last_functions.h"

#include <Python.h>
#include <internal/pycore_runtime.h>

// That it finalizes stays so until Python is initialized again; what goes after these functions is
// the rest of the runtime (_PyRuntimeState_Fini in Python/pystate.c).
int epy_runs_last_functions(void) {
#if PY_VERSION_HEX >= 0x030d0000
    return Py_IsFinalizing() && PyThread_tss_is_created(&_PyRuntime.autoTSSkey);
#else
    return _Py_IsFinalizing() && _PyRuntime.interpreters.mutex != NULL;
#endif
}
