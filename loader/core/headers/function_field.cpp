// A function pointer in a struct of a header: its class is made when the field is read.
#include "loader/core/guarded.h"
#include "loader/core/headers/ctypes_objects.h"
#include "loader/core/headers/well_formed.h"
#include "loader/core/owned_references.h"

#include <structmember.h>

#include <cstddef>

namespace epy {

namespace {

struct function_field {
    PyObject_HEAD PyObject *native; // ctypes' descriptor
    PyObject *kind;
    PyObject *classes; // header_classes
    PyObject *owner;   // the struct's class
};

function_field *as_field(PyObject *object) { return reinterpret_cast<function_field *>(object); }

PyObject *new_field(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    static const char *names[] = {"native", "kind", "classes", "owner", nullptr};
    PyObject *native = nullptr;
    PyObject *kind = nullptr;
    PyObject *classes = nullptr;
    PyObject *owner = nullptr;
    if (PyArg_ParseTupleAndKeywords(arguments, named, "OOOO!:FunctionField",
                                    const_cast<char **>(names), &native, &kind, &classes,
                                    &PyType_Type, &owner) == 0) {
        return nullptr;
    }
    const header_types &types = headers_of(type);
    if (Py_TYPE(native)->tp_descr_get == nullptr || Py_TYPE(native)->tp_descr_set == nullptr ||
        !Py_IS_TYPE(classes, reinterpret_cast<PyTypeObject *>(types.classes))) {
        PyErr_SetString(PyExc_TypeError, "FunctionField takes a descriptor, a type and Classes");
        return nullptr;
    }
    if (!check_type(kind)) {
        return nullptr;
    }
    PyObject *object = type->tp_alloc(type, 0);
    if (object != nullptr) {
        as_field(object)->native = Py_NewRef(native);
        as_field(object)->kind = Py_NewRef(kind);
        as_field(object)->classes = Py_NewRef(classes);
        as_field(object)->owner = Py_NewRef(owner);
    }
    return object;
}

// ctypes does not look: it would read and write behind a smaller object.
bool belongs(const function_field *self, PyObject *instance) {
    if (is_a(instance, self->owner)) {
        return true;
    }
    PyErr_Format(PyExc_TypeError, "a field of %R does not belong to an object of %R", self->owner,
                 type_of_object(instance));
    return false;
}

PyObject *get_function(PyObject *object, PyObject *instance, PyObject *owner) {
    if (instance == nullptr || instance == Py_None) {
        return Py_NewRef(object);
    }
    const function_field *self = as_field(object);
    if (!belongs(self, instance)) {
        return nullptr;
    }
    const header_types &types = headers_of(Py_TYPE(object));
    const ref pointer(Py_TYPE(self->native)->tp_descr_get(self->native, instance, owner));
    auto *classes = reinterpret_cast<header_classes *>(self->classes);
    const ref ctype = pointer ? class_of_kind(types, classes, self->kind) : ref();
    return ctype
               ? PyObject_CallFunctionObjArgs(types.core->cast, pointer.get(), ctype.get(), nullptr)
               : nullptr;
}

int set_function(PyObject *object, PyObject *instance, PyObject *value) {
    PyObject *native = as_field(object)->native;
    return belongs(as_field(object), instance)
               ? Py_TYPE(native)->tp_descr_set(native, instance, value)
               : -1;
}

PyObject *of_native(PyObject *object, void *attribute) {
    return PyObject_GetAttrString(as_field(object)->native, static_cast<const char *>(attribute));
}

char offset_name[] = "offset";
char size_name[] = "size";

PyGetSetDef field_attributes[] = {
    {"offset", of_native, nullptr, "Of the field, in bytes.", offset_name},
    {"size", of_native, nullptr, "Of the field, in bytes.", size_name},
    {},
};

PyMemberDef field_members[] = {
    {"kind", T_OBJECT, offsetof(function_field, kind), READONLY, "The type of the pointer."},
    {},
};

PyType_Slot function_field_slots[] = {
    {Py_tp_doc, const_cast<char *>("A function pointer in a struct of a header.")},
    {Py_tp_new, slot<new_field>()},
    {Py_tp_dealloc, reinterpret_cast<void *>(object_of_references<function_field>::deallocate)},
    {Py_tp_traverse, reinterpret_cast<void *>(object_of_references<function_field>::traverse)},
    {Py_tp_clear, slot<object_of_references<function_field>::clear>()},
    {Py_tp_descr_get, slot<get_function>()},
    {Py_tp_descr_set, slot<set_function>()},
    {Py_tp_getset, field_attributes},
    {Py_tp_members, field_members},
    {0, nullptr},
};

} // namespace

PyType_Spec function_field_spec = {
    "epy._core.FunctionField", sizeof(function_field), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE, function_field_slots};

} // namespace epy
