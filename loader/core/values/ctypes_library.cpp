#include "loader/core/values/ctypes_library.h"

#include <cstring>

#include "loader/core/cpython.h"
#include "loader/core/values/instance_layout.h"

namespace epy {

namespace {

PyObject *import_from(const char *module, const char *name) {
    const ref owner(PyImport_ImportModule(module));
    return owner ? PyObject_GetAttrString(owner.get(), name) : nullptr;
}

PyTypeObject *type_from(const char *module, const char *name) {
    PyObject *found = import_from(module, name);
    if (found != nullptr && !PyType_Check(found)) {
        PyErr_Format(PyExc_TypeError, "%s.%s is no class", module, name);
        Py_CLEAR(found);
    }
    return reinterpret_cast<PyTypeObject *>(found);
}

struct member {
    PyObject *module_state::*place;
    const char *module;
    const char *name;
};

constexpr member members[] = {
    {&module_state::address_of, "_ctypes", "addressof"},
    {&module_state::cast, "ctypes", "cast"},
    {&module_state::void_pointer, "ctypes", "c_void_p"},
    {&module_state::size_of, "_ctypes", "sizeof"},
    {&module_state::array, "_ctypes", "Array"},
    {&module_state::simple, "_ctypes", "_SimpleCData"},
    {&module_state::character, "ctypes", "c_char"},
    {&module_state::wide_character, "ctypes", "c_wchar"},
};

struct interned {
    PyObject *module_state::*place;
    const char *text;
};

constexpr interned names[] = {
    {&module_state::type_name, ctypes::item_type},
    {&module_state::native_name, ctypes::native_order},
    {&module_state::restype_name, "restype"},
    {&module_state::has_left_name, "_has_left_"},
};

// The class of what byref() gives has no name of its own.
PyTypeObject *class_of_references(PyObject *void_pointer) {
    const ref byref(import_from("_ctypes", "byref"));
    const ref target(PyObject_CallNoArgs(void_pointer));
    const ref made(byref && target ? PyObject_CallOneArg(byref.get(), target.get()) : nullptr);
    return made ? reinterpret_cast<PyTypeObject *>(
                      Py_NewRef(reinterpret_cast<PyObject *>(Py_TYPE(made.get()))))
                : nullptr;
}

} // namespace

bool intern_names(module_state &state) {
    for (const interned &one : names) {
        state.*one.place = PyUnicode_InternFromString(one.text);
        if (state.*one.place == nullptr) {
            return false;
        }
    }
    return true;
}

bool find_ctypes(const module_state &known) {
    if (has_ctypes(known)) {
        return true;
    }
    auto &state = const_cast<module_state &>(known); // what it says stays the same
    for (const member &one : members) {
        ref found(import_from(one.module, one.name)); // other threads may be here meanwhile
        if (!found) {
            return false;
        }
        Py_XSETREF(state.*one.place, found.release());
    }
    Py_XSETREF(state.pointer, type_from("_ctypes", "_Pointer"));
    Py_XSETREF(state.function_pointer, type_from("_ctypes", "CFuncPtr"));
    Py_XSETREF(state.by_reference, class_of_references(state.void_pointer));
    const ref structure(import_from("_ctypes", "Structure"));
    const ref a_union(import_from("_ctypes", "Union"));
    if (state.pointer == nullptr || state.function_pointer == nullptr ||
        state.by_reference == nullptr || !structure || !a_union) {
        return false;
    }
    Py_XSETREF(state.c_data, Py_NewRef(reinterpret_cast<PyTypeObject *>(state.simple)->tp_base));
    ctypes::find_instance_layout(state);
    ref aggregates(PyTuple_Pack(3, structure.get(), a_union.get(), state.array));
    if (!aggregates || !state.follow_ctypes(state)) {
        return false;
    }
    Py_XSETREF(state.aggregates, aggregates.release());
    return true;
}

bool find_ctypes_if_imported(const module_state &state) {
    if (has_ctypes(state)) {
        return true;
    }
    const ref name(PyUnicode_FromString("ctypes"));
    const ref module(name ? PyImport_GetModule(name.get()) : nullptr);
    return module ? find_ctypes(state) : PyErr_Occurred() == nullptr;
}

namespace ctypes {

bool has_nothing_of_its_own(PyObject *object) {
    PyTypeObject *const type = Py_TYPE(object);
    const auto look = [](PyObject *one, void *class_of_it) { return one == class_of_it ? 0 : 1; };
    const Py_ssize_t references = type->tp_weaklistoffset;
    return (references <= 0 || *reinterpret_cast<PyObject **>(reinterpret_cast<char *>(object) +
                                                              references) == nullptr) &&
           type->tp_traverse(object, look, type) == 0;
}

bool is_thunk(PyObject *object) {
    return std::strcmp(Py_TYPE(object)->tp_name, "_ctypes.CThunkObject") == 0;
}

int *error_number_of_thread(PyObject *name) {
    PyObject *const all = PyThreadState_GetDict();
    PyObject *const kept = all == nullptr ? nullptr : PyDict_GetItemWithError(all, name);
    return kept != nullptr && PyCapsule_CheckExact(kept)
               ? static_cast<int *>(PyCapsule_GetPointer(kept, PyCapsule_GetName(kept)))
               : nullptr;
}

} // namespace ctypes

bool find_pointer_class(PyObject *target, ref &found) {
    if constexpr (cpython::classes_know_their_pointers) {
        found = ref(PyObject_GetAttrString(target, ctypes::pointer_class));
        if (!found && PyErr_ExceptionMatches(PyExc_AttributeError) != 0) {
            PyErr_Clear();
            return true;
        }
    } else {
        const ref all(import_from("ctypes", ctypes::pointer_classes));
        found = ref(all ? PyObject_CallMethod(all.get(), "get", "O", target) : nullptr);
        if (found.get() == Py_None) {
            found = {};
            return true;
        }
    }
    return static_cast<bool>(found);
}

bool keep_pointer_class(PyObject *target, PyObject *pointers) {
    if constexpr (cpython::classes_know_their_pointers) {
        return PyObject_SetAttrString(target, ctypes::pointer_class, pointers) == 0;
    } else {
        const ref all(import_from("ctypes", ctypes::pointer_classes));
        return all && PyObject_SetItem(all.get(), target, pointers) == 0;
    }
}

} // namespace epy
