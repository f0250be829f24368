#define Py_BUILD_CORE 1
#include "loader/core/plugin/preconfiguration.h"

#include <internal/pycore_runtime.h>

// Where this CPython has it, or the headers were those of another one.
static int is_known = 0;

void epy_look_for_preconfiguration(const PyPreConfig *given) {
    const PyPreConfig *taken = &_PyRuntime.preconfig;
    is_known = !_PyRuntime.preinitializing && _PyRuntime.preinitialized == 1 &&
               _PyRuntime.core_initialized == 1 && _PyRuntime.initialized == 1 &&
               taken->_config_init == given->_config_init && taken->isolated == given->isolated &&
               taken->utf8_mode == given->utf8_mode;
}

int epy_is_preinitialized(void) { return _PyRuntime.preinitializing || _PyRuntime.preinitialized; }

int epy_begin_preinitialization(struct epy_preinitialization *one) {
    if (!is_known) {
        return 0;
    }
    for (int domain = PYMEM_DOMAIN_RAW; domain <= PYMEM_DOMAIN_OBJ; ++domain) {
        PyMem_GetAllocator((PyMemAllocatorDomain)domain, &one->allocators[domain]);
    }
    _PyRuntime.preinitialized = 0;
    _PyRuntime.core_initialized = 0;
    return 1;
}

void epy_end_preinitialization(struct epy_preinitialization *one) {
    _PyRuntime.preinitializing = 0; // after a failure
    _PyRuntime.preinitialized = 1;
    _PyRuntime.core_initialized = 1;
    for (int domain = PYMEM_DOMAIN_RAW; domain <= PYMEM_DOMAIN_OBJ; ++domain) {
        PyMem_SetAllocator((PyMemAllocatorDomain)domain, &one->allocators[domain]);
    }
}
