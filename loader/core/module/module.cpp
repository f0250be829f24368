// The extension module epy._core.

#include "loader/core/call/callback.h"
#include "loader/core/call/native_function.h"
#include "loader/core/call/records.h"
#include "loader/core/call/tail_call.h"
#include "loader/core/cpython.h"
#include "loader/core/embed/capsule.h"
#include "loader/core/embed/host_object.h"
#include "loader/core/embed/known_wrappers.h"
#include "loader/core/guarded.h"
#include "loader/core/headers/header_types.h"
#include "loader/core/host/function_calls.h"
#include "loader/core/module/functions.h"
#include "loader/core/owned_references.h"
#include "loader/core/plugin/end.h"
#include "loader/core/plugin/kept_modules.h"
#include "loader/core/plugin/native_plugin.h"
#include "loader/core/thread/sub_interpreter.h"
#include "loader/core/thread/threads.h"
#include "loader/core/values/ctypes_library.h"
#include "loader/core/values/handles.h"
#include "loader/core/values/items.h"
#include "loader/log.h"
#include "loader/stays_mapped.h"

namespace epy {

namespace {

// Where plugins run. Scripts of others may import epy, too.
bool is_main_interpreter() noexcept {
    return PyInterpreterState_Get() == PyInterpreterState_Main();
}

// Its exit functions run before anything of it goes.
bool begin_in_sub_interpreter(PyObject *module, module_state &state) {
    state.interpreter = sub_interpreter::of_current();
    const ref function(PyObject_GetAttrString(module, "end_of_calls"));
    const ref exits(PyImport_ImportModule("atexit"));
    return function && exits &&
           ref(PyObject_CallMethod(exits.get(), "register", "O", function.get()));
}

// One of the module's classes. False with an exception.
bool add_type(PyObject *module, PyTypeObject *&type, PyType_Spec &spec,
              PyTypeObject *base = nullptr) {
    type = reinterpret_cast<PyTypeObject *>(
        PyType_FromModuleAndSpec(module, &spec, reinterpret_cast<PyObject *>(base)));
    return type != nullptr && PyModule_AddType(module, type) == 0;
}

int execute(PyObject *module) {
    if (!cpython::has_lock()) {
        PyErr_SetString(PyExc_ImportError,
                        "epy needs the interpreter lock, which this free-threaded Python was told "
                        "to do without; start it without PYTHON_GIL=0 and -X gil=0");
        return -1;
    }
    module_state &state = state_of(module);
    if (!add_type(module, state.native_function_type, native_function_spec) ||
        !add_type(module, state.callback_type, callback_spec, state.native_function_type) ||
        !add_type(module, state.plugin_type, native_plugin_spec) ||
        !add_type(module, state.tail_call_type, tail_call_spec) ||
        !add_type(module, state.host_object_type, host_object_spec)) {
        return -1;
    }
    is_logged(log_level::error); // the environment is read now, before scripts can change it
    state.plugins = PyDict_New();
    state.handles = new handle_table;
    state.elements = new known_elements;
    if (!is_main_interpreter() && !begin_in_sub_interpreter(module, state)) {
        return -1;
    }
    state.follow_ctypes = add_to_function_calls;
    if (state.plugins == nullptr || !intern_names(state) || !find_ctypes_if_imported(state)) {
        return -1;
    }
    const ref capsule(
        PyCapsule_New(const_cast<core_api *>(&the_core_api), "epy._core._C_API", nullptr));
    if (!capsule || PyModule_AddObjectRef(module, "_C_API", capsule.get()) != 0) {
        return -1;
    }
    if (!argument_objects::prepare() ||
        PyModule_AddObjectRef(module, "reuses_arguments",
                              argument_objects::is_known() ? Py_True : Py_False) != 0) {
        return -1;
    }
    if (is_main_interpreter()) {
        if (!follow_interpreter()) {
            return -1;
        }
        state_of_plugins = &state;
        handles_of_plugins = state.handles;
        start_attaching();
    }
    state.python = number_of_python();
    return keep_modules() ? 0 : -1;
}

int traverse(PyObject *module, visitproc visit, void *arg) {
    module_state &state = state_of(module);
    const int result = owned_references<module_references>::traverse(state, visit, arg);
    return result != 0 ? result : traverse_headers(state.headers, visit, arg);
}

int clear(PyObject *module) {
    module_state &state = state_of(module);
    stop_looking_for_handles(state);
    owned_references<module_references>::clear(state);
    clear_headers(state.headers);
    return 0;
}

void deallocate(void *module) {
    module_state &state = state_of(static_cast<PyObject *>(module));
    clear(static_cast<PyObject *>(module));
    if (state_of_plugins == &state) {
        state_of_plugins = nullptr;
        state.handles->end();
        known_wrappers::end();
    } else {
        delete state.handles;
    }
    if (state.interpreter != nullptr) {
        forget_dropped_callbacks(*state.interpreter);
        state.interpreter->forget();
    }
    delete state.elements;
    free_headers(state.headers);
}

PyModuleDef_Slot slots[] = {
    {Py_mod_exec, slot<execute>()},
    cpython::serves_own_gils,
    {0, nullptr},
};

} // namespace

module_state *state_of_plugins = nullptr;

// Of the functions their place alone. NOLINTNEXTLINE(cppcoreguidelines-interfaces-global-init)
PyModuleDef core_module = {
    PyModuleDef_HEAD_INIT,
    "epy._core",
    "Native callbacks, and the plugin that a script runs in.",
    sizeof(module_state),
    module_functions,
    slots,
    traverse,
    clear,
    deallocate,
};

module_state &state_of(PyObject *module) {
    return *static_cast<module_state *>(PyModule_GetState(module));
}

module_state &state_of(PyTypeObject *type) {
    return *static_cast<module_state *>(PyType_GetModuleState(type));
}

} // namespace epy

// A core whose Python did not start is unmapped with it. From here on Python has it.
PyMODINIT_FUNC PyInit__core() {
    epy::stay_mapped();
    return PyModuleDef_Init(&epy::core_module);
}
