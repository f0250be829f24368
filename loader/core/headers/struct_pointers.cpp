// ctypes makes a class of pointers where one is first asked for: `POINTER(host.T)` in an
// annotation, a cast or a struct, `pointer(item)`. Its plain class would take `p.size = 7` for an
// attribute of the Python object, and the host would not see it.
//
// Python tells the values in a class's body of their names (`__set_name__`), and the body of a
// class of pointers has the struct as `_type_`: so the structs of headers, and classes that scripts
// derive from them, hear of each class of pointers to them while it is made.
#include "loader/core/headers/struct_pointers.h"

#include "loader/core/guarded.h"
#include "loader/core/headers/ctypes_objects.h"

namespace epy {

namespace {

// The bases of a class of pointers, with the one that forwards in front.
ref forwarding(PyObject *base, PyTypeObject *pointers) {
    const Py_ssize_t count = PyTuple_GET_SIZE(pointers->tp_bases);
    ref bases(PyTuple_New(count + 1));
    if (bases) {
        PyTuple_SET_ITEM(bases.get(), 0, Py_NewRef(base));
        for (Py_ssize_t index = 0; index < count; ++index) {
            PyTuple_SET_ITEM(bases.get(), index + 1,
                             Py_NewRef(PyTuple_GET_ITEM(pointers->tp_bases, index)));
        }
    }
    return bases;
}

PyObject *set_name(PyObject *target, PyObject *arguments) {
    PyObject *owner = nullptr;
    PyObject *name = nullptr;
    if (PyArg_ParseTuple(arguments, "O!U:__set_name__", &PyType_Type, &owner, &name) == 0) {
        return nullptr;
    }
    const header_types &types = headers_of(Py_TYPE(target));
    auto *pointers = reinterpret_cast<PyTypeObject *>(owner);
    PyObject *base = base_of(types, &header_bases::struct_pointer);
    if (base == nullptr) {
        return nullptr;
    }
    if (PyUnicode_Compare(name, types.core->type_name) != 0 ||
        PyType_IsSubtype(pointers, types.core->pointer) == 0 ||
        PyType_IsSubtype(pointers, reinterpret_cast<PyTypeObject *>(base)) != 0) {
        Py_RETURN_NONE;
    }
    const ref classes(PyObject_GetAttr(target, types.name.classes));
    const ref bases = forwarding(base, pointers);
    return classes && bases && PyObject_SetAttr(owner, types.name.classes, classes.get()) == 0 &&
                   PyObject_SetAttrString(owner, "__bases__", bases.get()) == 0
               ? Py_NewRef(Py_None)
               : nullptr;
}

PyMethodDef methods[] = {
    {"__set_name__", guarded<set_name>, METH_VARARGS, "Something is called by this class's name."},
    {},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char *>("Metaclass of the structs and unions of headers.")},
    {Py_tp_methods, methods},
    {0, nullptr},
};

PyType_Spec struct_class_spec = {"epy._core.StructClass", 0, 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
PyType_Spec union_class_spec = {"epy._core.UnionClass", 0, 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

} // namespace

PyObject *metaclass_of_structs(const header_types &types, bool is_struct) {
    PyObject *&place = is_struct ? types.bases->struct_class : types.bases->union_class;
    if (place == nullptr) {
        PyObject *native = PyTuple_GET_ITEM(types.core->aggregates, is_struct ? 0 : 1);
        const ref bases(PyTuple_Pack(1, type_of_object(native)));
        place = bases ? PyType_FromModuleAndSpec(types.module,
                                                 is_struct ? &struct_class_spec : &union_class_spec,
                                                 bases.get())
                      : nullptr;
    }
    return place;
}

} // namespace epy
