#include "loader/core/headers/classes.h"

#include <structmember.h>

#include <cstddef>

#include "loader/core/guarded.h"
#include "loader/core/headers/ctypes_objects.h"
#include "loader/core/headers/definitions.h"
#include "loader/core/headers/function_class.h"
#include "loader/core/headers/kinds.h"
#include "loader/core/headers/layout.h"
#include "loader/core/headers/stored.h"
#include "loader/core/headers/subclass.h"
#include "loader/core/headers/well_formed.h"
#include "loader/core/owned_references.h"
#include "loader/core/package.h"
#include "loader/core/thread/threads.h"
#include "loader/core/values/ctypes_library.h"
#include "loader/core/values/items.h"

namespace epy {

namespace {

header_classes *as_classes(PyObject *object) { return reinterpret_cast<header_classes *>(object); }

PyObject *as_object(header_classes *self) { return reinterpret_cast<PyObject *>(self); }

// Threads of a host that ask for the same class at once get one. For all headers, because a class
// of one may need another's (types=). What is made under it waits for nothing but modules of epy.
class making {
public:
    explicit making(const header_types &types)
        : lock_(types.making), held_(PyObject_CallMethod(lock_, "acquire", nullptr)) {}
    ~making() {
        if (held_) {
            const exception_set_aside aside;
            const ref released(PyObject_CallMethod(lock_, "release", nullptr));
        }
    }
    making(const making &) = delete;
    making &operator=(const making &) = delete;

    explicit operator bool() const noexcept { return static_cast<bool>(held_); }

private:
    PyObject *lock_;
    ref held_;
};

// Borrowed; null for a class that is complete or no struct of this header.
PyObject *missing_part(header_classes *self, PyObject *type) {
    return PyType_Check(type) == 0 ? nullptr : PyDict_GetItem(self->incomplete, type);
}

// Of a class without its fields. Null, without an exception, if it needs none.
ref missing_definition(header_classes *self, PyObject *type) {
    PyObject *const known = missing_part(self, type);
    if (known == nullptr || !PyUnicode_Check(known)) {
        return ref::borrowed(known);
    }
    ref definition = definition_of_tag(self, known);
    if (definition && definition.get() == Py_None) { // never declared
        PyDict_DelItem(self->incomplete, type);
        return {};
    }
    return definition && PyDict_SetItem(self->incomplete, type, definition.get()) == 0
               ? std::move(definition)
               : ref();
}

bool complete(const header_types &types, header_classes *self, PyObject *type) {
    if (missing_part(self, type) == nullptr) {
        return true;
    }
    const making lock(types);
    if (!lock) {
        return false;
    }
    const ref definition = missing_definition(self, type);
    if (!definition || PySet_Contains(self->completing, type) == 1) { // by this thread
        return PyErr_Occurred() == nullptr;
    }
    if (what_of(definition.get()) == kind_of::impossible) {
        const ref name = name_like(type, "%U");
        const char *remedy = is_opaque(definition.get()) ? ": only pointers to it can be used" : "";
        return name &&
               header_name_error("%U %U%s", name.get(), unusable_reason(definition.get()), remedy);
    }
    if (PySet_Add(self->completing, type) != 0) {
        return false;
    }
    const bool done = give_fields(types, self, type, definition.get());
    PySet_Discard(self->completing, type);
    return done && PyDict_DelItem(self->incomplete, type) == 0;
}

// What a script gets by name: a struct that is only declared serves for pointers.
ref class_of_name(const header_types &types, header_classes *self, PyObject *kind) {
    if (what_of(kind) == kind_of::alias) {
        PyObject *mapped = PyDict_GetItemWithError(self->types, alias_name(kind));
        if (mapped != nullptr || PyErr_Occurred() != nullptr) {
            return ref::borrowed(mapped);
        }
    }
    ref found = target_class(types, self, kind);
    const ref definition = found ? missing_definition(self, found.get()) : ref();
    if (definition ? !is_opaque(definition.get()) && !complete(types, self, found.get())
                   : PyErr_Occurred() != nullptr) {
        return {};
    }
    return found;
}

} // namespace

ref target_class(const header_types &types, header_classes *self, PyObject *kind) {
    PyObject *known = PyDict_GetItemWithError(self->made, kind);
    if (known != nullptr || PyErr_Occurred() != nullptr) {
        return ref::borrowed(known);
    }
    const making lock(types);
    if (!lock) {
        return {};
    }
    known = PyDict_GetItemWithError(self->made, kind);
    if (known != nullptr || PyErr_Occurred() != nullptr) {
        return ref::borrowed(known);
    }
    if (Py_EnterRecursiveCall(" while making a class of a header") != 0) {
        return {};
    }
    ref made = make_class(types, self, kind);
    Py_LeaveRecursiveCall();
    return made && PyDict_SetItem(self->made, kind, made.get()) == 0 ? std::move(made) : ref();
}

ref class_of_kind(const header_types &types, header_classes *self, PyObject *kind) {
    if (kind == Py_None) {
        return ref::borrowed(kind);
    }
    ref found = target_class(types, self, kind);
    if (!found || !complete(types, self, found.get())) {
        return {};
    }
    if (PySet_Contains(self->completing, found.get()) == 1) { // by this thread: a part of itself
        circle_error(kind);
        return {};
    }
    return found;
}

bool complete(const header_types &types, PyObject *type) {
    if (PyDict_Contains(reinterpret_cast<PyTypeObject *>(type)->tp_dict, types.name.types) == 1) {
        return true;
    }
    header_classes *classes = classes_of(types, type);
    return classes != nullptr && complete(types, classes, type);
}

bool complete_if_struct(const header_types &types, PyObject *type) {
    return !is_class_of(type, types.fields) || complete(types, type);
}

header_classes *classes_of(const header_types &types, PyObject *type) {
    const ref found(PyObject_GetAttr(type, types.name.classes));
    if (found && !Py_IS_TYPE(found.get(), reinterpret_cast<PyTypeObject *>(types.classes))) {
        PyErr_Format(PyExc_TypeError, "%R is no class of a header", type);
        return nullptr;
    }
    return as_classes(found.get());
}

ref make_callback(header_classes *self, PyObject *kind, PyObject *function) {
    return package::call(package::field_callback, {as_object(self), kind, function});
}

namespace {

// ---- the Python object

PyObject *new_classes(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    static const char *names[] = {"find",   "types",     "errors", "kept",
                                  "module", "use_errno", nullptr};
    PyObject *find = nullptr;
    PyObject *types = nullptr;
    PyObject *errors = nullptr;
    PyObject *kept = nullptr;
    PyObject *module = nullptr;
    int use_errno = 0;
    if (PyArg_ParseTupleAndKeywords(arguments, named, "OO!O!OUp:Classes",
                                    const_cast<char **>(names), &find, &PyDict_Type, &types,
                                    &PyDict_Type, &errors, &kept, &module, &use_errno) == 0) {
        return nullptr;
    }
    if (!is_a(kept, headers_of(type).kept)) {
        PyErr_Format(PyExc_TypeError, "kept must be a Kept, not %R", kept);
        return nullptr;
    }
    ref object(type->tp_alloc(type, 0));
    if (!object) {
        return nullptr;
    }
    header_classes *self = as_classes(object.get());
    self->find = Py_NewRef(find);
    self->types = Py_NewRef(types);
    self->errors = Py_NewRef(errors);
    self->kept = Py_NewRef(kept);
    self->module = Py_NewRef(module);
    self->function_flags =
        PyLong_FromLong(use_errno != 0 ? ctypes::of_c | ctypes::keeps_errno : ctypes::of_c);
    for (PyObject **dict : {&self->made, &self->members, &self->signatures, &self->incomplete}) {
        *dict = PyDict_New();
        if (*dict == nullptr) {
            return nullptr;
        }
    }
    self->completing = PySet_New(nullptr);
    return self->completing == nullptr || self->function_flags == nullptr ? nullptr
                                                                          : object.release();
}

PyObject *make_method(PyObject *object, PyObject *kind) {
    return check_type(kind)
               ? given(class_of_kind(headers_of(Py_TYPE(object)), as_classes(object), kind))
               : nullptr;
}

PyObject *named_method(PyObject *object, PyObject *kind) {
    return check_type(kind)
               ? given(class_of_name(headers_of(Py_TYPE(object)), as_classes(object), kind))
               : nullptr;
}

PyObject *resolved_method(PyObject *object, PyObject *kind) {
    return check_type(kind) ? resolved(as_classes(object), kind).release() : nullptr;
}

PyObject *members_method(PyObject *object, PyObject *key) {
    if (!PyUnicode_Check(key)) {
        PyErr_SetString(PyExc_TypeError, "the key of an enum is a str");
        return nullptr;
    }
    return members_of_enum(as_classes(object), key).release();
}

PyObject *parts_method(PyObject *object, PyObject *kind) {
    return check_function_type(kind)
               ? given(parts_of_function(headers_of(Py_TYPE(object)), as_classes(object), kind))
               : nullptr;
}

PyObject *error_method(PyObject *object, PyObject *kind) {
    return check_type(kind) ? error_of_result(as_classes(object), kind).release() : nullptr;
}

PyObject *function_method(PyObject *object, PyObject *arguments) {
    PyObject *kind = nullptr;
    PyObject *refined = nullptr;
    if (PyArg_ParseTuple(arguments, "O!O!:function", &PyTuple_Type, &kind, &PyTuple_Type,
                         &refined) == 0) {
        return nullptr;
    }
    if (!check_function_type(kind)) {
        return nullptr;
    }
    const Py_ssize_t count = PyTuple_GET_SIZE(function_parameters(kind));
    const bool stands_for_any = count == 0 && PyTuple_GET_SIZE(refined) != 0;
    if (PyTuple_GET_SIZE(refined) != count + 1 && !stands_for_any) {
        PyErr_SetString(PyExc_ValueError, "a function has a class for its result and for each "
                                          "parameter");
        return nullptr;
    }
    return function_class(headers_of(Py_TYPE(object)), as_classes(object), kind, refined).release();
}

PyObject *store_method(PyObject *object, PyObject *arguments) {
    PyObject *ctype = nullptr;
    PyObject *value = nullptr;
    PyObject *store = nullptr;
    unsigned long long place = 0;
    if (PyArg_ParseTuple(arguments, "OOKO:store", &ctype, &value, &place, &store) == 0) {
        return nullptr;
    }
    storing where{as_kept(as_classes(object)->kept)};
    const ref made = stored(headers_of(Py_TYPE(object)), ctype, value, where);
    const ref done(made ? PyObject_CallOneArg(store, made.get()) : nullptr);
    if (!done) {
        return nullptr;
    }
    keep_at(place, 1, where);
    Py_RETURN_NONE;
}

PyObject *clear_method(PyObject *object, PyObject *) {
    const header_classes *self = as_classes(object);
    for (PyObject *dict : {self->made, self->members, self->signatures, self->incomplete}) {
        PyDict_Clear(dict);
    }
    clear_kept(self->kept);
    Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"make", guarded<make_method>, METH_O, "make(type) -> its class, complete; None for void."},
    {"named", guarded<named_method>, METH_O,
     "named(type) -> what a script gets by its name: perhaps a struct without fields."},
    {"resolved", guarded<resolved_method>, METH_O,
     "resolved(type) -> the type behind its typedefs, as far as they are not mapped."},
    {"members", guarded<members_method>, METH_O, "members(key) -> the Members of an enum."},
    {"parts", guarded<parts_method>, METH_O,
     "parts(function type) -> the classes of the result and the parameters."},
    {"error", guarded<error_method>, METH_O,
     "error(type of a result) -> the error value, or None."},
    {"function", guarded<function_method>, METH_VARARGS,
     "function(type, classes) -> the class of pointers to a function whose result and parameters "
     "have other classes than the header's."},
    {"store", guarded<store_method>, METH_VARARGS,
     "store(class, value, address, function): what ctypes stores at this address of the host's "
     "memory goes to the function; what it needs is kept."},
    {"clear", guarded<clear_method>, METH_NOARGS, "clear(): forget all classes, and what is kept."},
    {},
};

PyMemberDef attributes[] = {
    {"find", T_OBJECT, offsetof(header_classes, find), READONLY, "name -> definition or None"},
    {"signatures", T_OBJECT, offsetof(header_classes, signatures), READONLY, "of callbacks"},
    {},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char *>("The ctypes classes of one header.")},
    {Py_tp_new, slot<new_classes>()},
    {Py_tp_dealloc, reinterpret_cast<void *>(object_of_references<header_classes>::deallocate)},
    {Py_tp_traverse, reinterpret_cast<void *>(object_of_references<header_classes>::traverse)},
    {Py_tp_clear, slot<object_of_references<header_classes>::clear>()},
    {Py_tp_methods, methods},
    {Py_tp_members, attributes},
    {0, nullptr},
};

} // namespace

PyType_Spec classes_spec = {"epy._core.Classes", sizeof(header_classes), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
                            slots};

} // namespace epy
