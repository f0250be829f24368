#include "loader/core/headers/layout.h"

#include "loader/core/package.h"
#include "loader/core/values/ctypes_library.h"

namespace epy {

namespace {

// What a class gets, collected field by field.
struct collected {
    ref native{PyList_New(0)};   // (name, class), as ctypes takes them
    ref types{PyDict_New()};     // name -> type; of an enum its integer, so that values are checked
    ref functions{PyDict_New()}; // name -> type of the function, of function pointers
    ref enums{PyDict_New()};     // name -> key of the enum
    ref flexible{PyList_New(0)}; // the name of a last array without a size

    explicit operator bool() const noexcept {
        return native && types && functions && enums && flexible;
    }
};

// The type of the function that a type points to; empty, perhaps with an exception, for others.
ref function_behind(header_classes *self, PyObject *actual) {
    if (what_of(actual) != kind_of::pointer) {
        return {};
    }
    ref target = resolved(self, pointer_target(actual));
    return target && what_of(target.get()) == kind_of::function ? std::move(target) : ref();
}

// The integer type that C stores an enum as; the type itself, if it is none or is not defined.
ref stored_as(header_classes *self, PyObject *name, PyObject *kind, PyObject *actual,
              const collected &all) {
    if (what_of(actual) != kind_of::enumeration) {
        return ref::borrowed(kind);
    }
    PyObject *key = tag_key(actual);
    const ref definition = definition_of_enum(self, key);
    if (!definition || definition.get() == Py_None) {
        return definition ? ref::borrowed(kind) : ref();
    }
    return PyDict_SetItem(all.enums.get(), name, key) == 0
               ? ref::borrowed(enum_integer(definition.get()))
               : ref();
}

bool append(const collected &all, PyObject *name, PyObject *ctype) {
    const ref both(PyTuple_Pack(2, name, ctype));
    return both && PyList_Append(all.native.get(), both.get()) == 0;
}

// Bits and padding that have no name of their own.
bool add_storage(const header_types &types, header_classes *self, PyObject *kind, Py_ssize_t index,
                 const collected &all) {
    const ref name(PyUnicode_FromFormat("#storage%zd", index));
    const ref ctype = class_of_kind(types, self, kind);
    return name && ctype && append(all, name.get(), ctype.get());
}

bool add_field(const header_types &types, header_classes *self, PyObject *name, PyObject *declared,
               const collected &all) {
    const ref actual = resolved(self, declared);
    const ref kind = actual ? stored_as(self, name, declared, actual.get(), all) : ref();
    if (!kind || PyDict_SetItem(all.types.get(), name, kind.get()) != 0) {
        return false;
    }
    if (const ref function = function_behind(self, actual.get())) {
        return PyDict_SetItem(all.functions.get(), name, function.get()) == 0 &&
               append(all, name, types.function);
    }
    const bool is_flexible =
        what_of(actual.get()) == kind_of::array && PyObject_IsTrue(array_length(actual.get())) == 0;
    if (PyErr_Occurred() != nullptr ||
        (is_flexible && PyList_Append(all.flexible.get(), name) != 0)) {
        return false;
    }
    const ref ctype = class_of_kind(types, self, kind.get());
    return ctype && append(all, name, ctype.get());
}

bool add_fields(const header_types &types, header_classes *self, PyObject *fields,
                const collected &all) {
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(fields); ++index) {
        PyObject *name = field_name(PyTuple_GET_ITEM(fields, index));
        PyObject *kind = field_type(PyTuple_GET_ITEM(fields, index));
        if (PyUnicode_GET_LENGTH(name) == 0 ? !add_storage(types, self, kind, index, all)
                                            : !add_field(types, self, name, kind, all)) {
            return false;
        }
    }
    return true;
}

// In the place of ctypes' descriptors: the class behind a function pointer is made when it is read.
bool set_function_fields(const header_types &types, header_classes *self, PyObject *type,
                         const collected &all) {
    if (PyDict_Size(all.functions.get()) == 0) {
        return true;
    }
    PyObject *descriptor = base_of(types, &header_bases::function_field);
    if (descriptor == nullptr) {
        return false;
    }
    PyObject *name = nullptr;
    PyObject *function = nullptr;
    for (Py_ssize_t at = 0; PyDict_Next(all.functions.get(), &at, &name, &function) != 0;) {
        const ref native(PyObject_GetAttr(type, name));
        const ref kind(PyTuple_Pack(2, types.name.star, function));
        const ref field(native && kind ? PyObject_CallFunctionObjArgs(
                                             descriptor, native.get(), kind.get(),
                                             reinterpret_cast<PyObject *>(self), type, nullptr)
                                       : nullptr);
        if (!field || PyObject_SetAttr(type, name, field.get()) != 0) {
            return false;
        }
    }
    return true;
}

// What few structs have.
bool set_special_fields(header_classes *self, PyObject *type, PyObject *definition,
                        const collected &all) {
    PyObject *anonymous = layout_anonymous(definition);
    PyObject *bits = layout_bits(definition);
    if (PyTuple_GET_SIZE(anonymous) == 0 && PyTuple_GET_SIZE(bits) == 0 &&
        PyDict_Size(all.enums.get()) == 0 && PyList_GET_SIZE(all.flexible.get()) == 0) {
        return true;
    }
    return static_cast<bool>(
        package::call(package::add_special_fields,
                      {reinterpret_cast<PyObject *>(self), type, anonymous, bits, all.types.get(),
                       all.functions.get(), all.enums.get(), all.flexible.get()}));
}

// Once: ctypes gives a struct fields a single time, and what follows may fail for want of memory.
bool give_native_fields(const header_types &types, PyObject *type, bool is_packed,
                        const collected &all) {
    if (PyDict_Contains(reinterpret_cast<PyTypeObject *>(type)->tp_dict, types.name.made) == 1) {
        return true;
    }
    const ref one(PyLong_FromLong(1));
    const ref made(PyDict_New());
    return one && made &&
           (!is_packed || PyObject_SetAttrString(type, ctypes::pack, one.get()) == 0) &&
           PyObject_SetAttrString(type, ctypes::fields, all.native.get()) == 0 &&
           PyObject_SetAttr(type, types.name.made, made.get()) == 0;
}

// What its fields take has to be what C has. Otherwise a definition is damaged, or it is of another
// system's, or `types=` maps a field to a type of another size.
bool has_its_size(const header_types &types, PyObject *type, PyObject *definition) {
    const ref size(PyObject_CallOneArg(types.size_of, type));
    PyObject *declared = layout_size(definition);
    if (!size || PyObject_RichCompareBool(size.get(), declared, Py_EQ) == 1) {
        return static_cast<bool>(size);
    }
    return header_name_error(
        "'%U' takes %S bytes here and %S in the header: map its types to others "
        "of the same size, or run `epy build` again",
        layout_name(definition), size.get(), declared);
}

} // namespace

bool give_fields(const header_types &types, header_classes *self, PyObject *type,
                 PyObject *definition) {
    const collected all;
    if (!all || !add_fields(types, self, layout_fields(definition), all)) {
        return false;
    }
    const bool is_packed = PyObject_IsTrue(layout_is_packed(definition)) != 0;
    return give_native_fields(types, type, is_packed, all) &&
           has_its_size(types, type, definition) && set_function_fields(types, self, type, all) &&
           set_special_fields(self, type, definition, all) &&
           PyObject_SetAttr(type, types.name.functions, all.functions.get()) == 0 &&
           PyObject_SetAttr(type, types.name.names, layout_members(definition)) == 0 &&
           PyObject_SetAttrString(type, "_epy_obstacle_", layout_obstacle(definition)) == 0 &&
           // The last: with it the class is complete.
           PyObject_SetAttr(type, types.name.types, all.types.get()) == 0;
}

} // namespace epy
