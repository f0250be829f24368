#include "loader/core/plugin/type_references.h"

#include <cstring>

#include "loader/core/cpython.h"
#include "loader/core/thread/threads.h"
#include "loader/core/values/ctypes_library.h"

namespace epy {

// ---- what classes refer to

namespace {

PyTypeObject *details_type = nullptr;
traverseproc traverse_class_of_functions = nullptr;
traverseproc traverse_class_of_arrays = nullptr;

const ctypes::type_details *details_of(PyObject *type) {
    PyObject *dict = reinterpret_cast<PyTypeObject *>(type)->tp_dict;
    return dict != nullptr && Py_IS_TYPE(dict, details_type)
               ? reinterpret_cast<const ctypes::type_details *>(dict)
               : nullptr;
}

int traverse_functions(PyObject *type, visitproc visit, void *arg) {
    if (const ctypes::type_details *details = details_of(type)) {
        Py_VISIT(details->argument_types);
        Py_VISIT(details->converters);
        Py_VISIT(details->result_type);
        Py_VISIT(details->checker);
    }
    return traverse_class_of_functions(type, visit, arg);
}

int traverse_arrays(PyObject *type, visitproc visit, void *arg) {
    if (const ctypes::type_details *details = details_of(type)) {
        Py_VISIT(details->item_type);
    }
    return traverse_class_of_arrays(type, visit, arg);
}

// How often the collector would see that a class refers to an object.
int references(PyObject *type, PyObject *object) {
    struct {
        PyObject *wanted;
        int count;
    } seen{object, 0};
    const auto note = [](PyObject *one, void *sought) {
        auto &found = *static_cast<decltype(seen) *>(sought);
        found.count += static_cast<int>(one == found.wanted);
        return 0;
    };
    PyObject *dict = reinterpret_cast<PyTypeObject *>(type)->tp_dict;
    Py_TYPE(type)->tp_traverse(type, note, &seen);
    Py_TYPE(dict)->tp_traverse(dict, note, &seen);
    return seen.count;
}

// int (*)(int), and an array of int: whether their details are where they are looked for, and the
// collector sees but the names in their `__dict__`.
bool are_hidden(PyObject *function, PyObject *array) {
    const ctypes::type_details *of_function = details_of(function);
    const ctypes::type_details *of_array = details_of(array);
    if (of_function == nullptr || of_array == nullptr) {
        return false;
    }
    const ref arguments(PyObject_GetAttrString(function, ctypes::argument_types));
    const ref result(PyObject_GetAttrString(function, ctypes::result_type));
    const ref item(PyObject_GetAttrString(array, ctypes::item_type));
    return arguments && result && item && of_function->argument_types == arguments.get() &&
           of_function->result_type == result.get() && of_array->item_type == item.get() &&
           of_function->converters != nullptr && PyTuple_CheckExact(of_function->converters) &&
           references(function, arguments.get()) == 1 && references(function, result.get()) == 1 &&
           references(function, of_function->converters) == 0 && references(array, item.get()) == 1;
}

void show(const module_state &state) {
    const ref module(PyImport_ImportModule("ctypes"));
    const ref integer(module ? PyObject_GetAttrString(module.get(), "c_int") : nullptr);
    const ref function(
        integer ? PyObject_CallMethod(module.get(), "CFUNCTYPE", "OO", integer.get(), integer.get())
                : nullptr);
    const ref array(function ? PySequence_Repeat(integer.get(), 2) : nullptr);
    if (!array) {
        return;
    }
    details_type = Py_TYPE(reinterpret_cast<PyTypeObject *>(function.get())->tp_dict);
    if (details_type->tp_basicsize != sizeof(ctypes::type_details) ||
        !are_hidden(function.get(), array.get())) {
        return;
    }
    PyTypeObject *functions = Py_TYPE(state.function_pointer);
    PyTypeObject *arrays = Py_TYPE(state.array);
    traverse_class_of_functions = functions->tp_traverse;
    traverse_class_of_arrays = arrays->tp_traverse;
    functions->tp_traverse = traverse_functions;
    arrays->tp_traverse = traverse_arrays;
}

} // namespace

void show_references_of_types(const module_state &state) {
    // ctypes' classes are the same for all interpreters.
    if (cpython::ctypes_hides_references && details_type == nullptr && has_ctypes(state)) {
        const exception_set_aside callers;
        show(state);
        PyErr_Clear();
    }
}

// ---- what refers to classes

namespace {

PyObject *dict_of(PyObject *remover) {
    PyTypeObject *type = Py_TYPE(remover);
    return std::strcmp(type->tp_name, ctypes::name_of_entry_remover) == 0 &&
                   type->tp_basicsize == sizeof(ctypes::entry_remover)
               ? reinterpret_cast<ctypes::entry_remover *>(remover)->dict
               : nullptr;
}

} // namespace

PyObject *array_types(PyObject *core, PyObject *) {
    const module_state &state = state_of(core);
    const ref array(find_ctypes(state) ? PySequence_Repeat(state.character, 2) : nullptr);
    if (!array) {
        return nullptr;
    }
    const auto *reference = reinterpret_cast<PyWeakReference *>(
        reinterpret_cast<PyTypeObject *>(array.get())->tp_weaklist);
    while (reference != nullptr && reference->wr_callback == nullptr) {
        reference = reference->wr_next;
    }
    PyObject *found = reference == nullptr ? nullptr : dict_of(reference->wr_callback);
    return Py_NewRef(found != nullptr && PyDict_Check(found) ? found : Py_None);
}

} // namespace epy
