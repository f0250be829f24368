#define Py_BUILD_CORE 1
#include "loader/core/plugin/last_functions.h"

#include <Python.h>
#include <internal/pycore_runtime.h>

#include "loader/core/python_image.h"

// That it finalizes stays so until Python is initialized again; what goes after these functions is
// the rest of the runtime (_PyRuntimeState_Fini in Python/pystate.c). Since 3.15 that shows
// nowhere, and only the thread that runs them can tell, by its stack.
int epy_runs_last_functions(void) {
#if PY_VERSION_HEX >= 0x030f0000
    return Py_IsFinalizing() && epy_is_called_by_python();
#elif PY_VERSION_HEX >= 0x030d0000
    return Py_IsFinalizing() && PyThread_tss_is_created(&_PyRuntime.autoTSSkey);
#else
    return _Py_IsFinalizing() && _PyRuntime.interpreters.mutex != NULL;
#endif
}
