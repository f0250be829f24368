// The extension module epy._core.
#include "callback.h"
#include "native_plugin.h"
#include "recording.h"
#include "scope.h"
#include "tail_call.h"
#include "threads.h"

namespace epy {

namespace {

PyObject *current_plugin(PyObject *module, PyObject *) {
    PyObject *plugin = running_plugin(state_of(module));
    return Py_NewRef(plugin == nullptr ? Py_None : plugin);
}

PyObject *set_reporter(PyObject *module, PyObject *reporter) {
    Py_XSETREF(state_of(module).reporter, Py_NewRef(reporter));
    Py_RETURN_NONE;
}

PyObject *set_callback_maker(PyObject *module, PyObject *maker) {
    Py_XSETREF(state_of(module).callback_maker, Py_NewRef(maker));
    Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"call", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(call_recording)),
     METH_FASTCALL | METH_KEYWORDS,
     "call(function, *arguments): exceptions of callbacks that it calls are raised here."},
    {"current_plugin", current_plugin, METH_NOARGS,
     "current_plugin() -> the NativePlugin whose script or callback runs on this thread, or None."},
    {"set_callback_maker", set_callback_maker, METH_O,
     "set_callback_maker(callable): called with (function type, callable) where a function pointer "
     "is due; returns one."},
    {"set_reporter", set_reporter, METH_O,
     "set_reporter(callable): called with (callback, exception) for each exception in a callback."},
    {},
};

PyObject *import_from(const char *module, const char *name) {
    const ref owner(PyImport_ImportModule(module));
    return owner ? PyObject_GetAttrString(owner.get(), name) : nullptr;
}

int execute(PyObject *module) {
    module_state &state = state_of(module);
    state.callback_type =
        reinterpret_cast<PyTypeObject *>(PyType_FromModuleAndSpec(module, &callback_spec, nullptr));
    state.plugin_type = reinterpret_cast<PyTypeObject *>(
        PyType_FromModuleAndSpec(module, &native_plugin_spec, nullptr));
    state.tail_call_type = reinterpret_cast<PyTypeObject *>(
        PyType_FromModuleAndSpec(module, &tail_call_spec, nullptr));
    if (state.callback_type == nullptr || state.plugin_type == nullptr ||
        state.tail_call_type == nullptr || PyModule_AddType(module, state.callback_type) != 0 ||
        PyModule_AddType(module, state.plugin_type) != 0 ||
        PyModule_AddType(module, state.tail_call_type) != 0) {
        return -1;
    }
    state.plugins = PyDict_New();
    state.address_of = import_from("_ctypes", "addressof");
    state.cast = import_from("ctypes", "cast");
    state.void_pointer = import_from("ctypes", "c_void_p");
    state.pointer = reinterpret_cast<PyTypeObject *>(import_from("_ctypes", "_Pointer"));
    state.function_pointer = reinterpret_cast<PyTypeObject *>(import_from("_ctypes", "CFuncPtr"));
    const ref structure(import_from("_ctypes", "Structure"));
    const ref a_union(import_from("_ctypes", "Union"));
    const ref array(import_from("_ctypes", "Array"));
    if (state.plugins == nullptr || state.address_of == nullptr || state.cast == nullptr ||
        state.void_pointer == nullptr || state.pointer == nullptr ||
        state.function_pointer == nullptr || !structure || !a_union || !array) {
        return -1;
    }
    state.aggregates = PyTuple_Pack(3, structure.get(), a_union.get(), array.get());
    const ref capsule(
        PyCapsule_New(const_cast<core_api *>(&the_core_api), "epy._core._C_API", nullptr));
    if (state.aggregates == nullptr || !capsule ||
        PyModule_AddObjectRef(module, "_C_API", capsule.get()) != 0) {
        return -1;
    }
    if (!argument_objects::prepare()) {
        return -1;
    }
    start_attaching();
    return 0;
}

int traverse(PyObject *module, visitproc visit, void *arg) {
    const module_state &state = state_of(module);
    Py_VISIT(state.callback_type);
    Py_VISIT(state.plugin_type);
    Py_VISIT(state.tail_call_type);
    Py_VISIT(state.reporter);
    Py_VISIT(state.plugins);
    Py_VISIT(state.address_of);
    Py_VISIT(state.cast);
    Py_VISIT(state.void_pointer);
    Py_VISIT(state.aggregates);
    Py_VISIT(state.callback_maker);
    Py_VISIT(state.pointer);
    Py_VISIT(state.function_pointer);
    return 0;
}

int clear(PyObject *module) {
    module_state &state = state_of(module);
    Py_CLEAR(state.callback_type);
    Py_CLEAR(state.plugin_type);
    Py_CLEAR(state.tail_call_type);
    Py_CLEAR(state.reporter);
    Py_CLEAR(state.plugins);
    Py_CLEAR(state.address_of);
    Py_CLEAR(state.cast);
    Py_CLEAR(state.void_pointer);
    Py_CLEAR(state.aggregates);
    Py_CLEAR(state.callback_maker);
    Py_CLEAR(state.pointer);
    Py_CLEAR(state.function_pointer);
    return 0;
}

void deallocate(void *module) {
    stop_attaching(); // the interpreter goes
    clear(static_cast<PyObject *>(module));
}

PyModuleDef_Slot slots[] = {
    {Py_mod_exec, reinterpret_cast<void *>(execute)},
    {0, nullptr},
};

} // namespace

PyModuleDef core_module = {
    PyModuleDef_HEAD_INIT,
    "epy._core",
    "Native callbacks, and the plugin that a script runs in.",
    sizeof(module_state),
    functions,
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

PyMODINIT_FUNC PyInit__core() { return PyModuleDef_Init(&epy::core_module); }
