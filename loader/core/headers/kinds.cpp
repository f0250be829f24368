#include "loader/core/headers/kinds.h"

#include "loader/core/headers/ctypes_objects.h"
#include "loader/core/headers/definitions.h"
#include "loader/core/headers/function_class.h"
#include "loader/core/headers/struct_pointers.h"
#include "loader/core/headers/subclass.h"
#include "loader/core/package.h"
#include "loader/core/values/ctypes_library.h"
#include "loader/core/values/items.h"

namespace epy {

ref members_of_enum(header_classes *self, PyObject *key) {
    PyObject *known = PyDict_GetItemWithError(self->members, key);
    if (known != nullptr || PyErr_Occurred() != nullptr) {
        return ref::borrowed(known);
    }
    const ref definition = definition_of_enum(self, key);
    if (definition && definition.get() == Py_None) {
        header_name_error("enum %U has no definition in this header", key);
        return {};
    }
    const ref made = definition ? package::call(package::members_of_enum,
                                                {key, enum_members(definition.get()), self->module})
                                : ref();
    return made ? ref::borrowed(PyDict_SetDefault(self->members, key, made.get())) : ref();
}

namespace {

ref enumeration(const header_types &types, header_classes *self, PyObject *key) {
    const ref definition = definition_of_enum(self, key);
    if (!definition || definition.get() == Py_None) {
        return definition ? simple_class(types, "c_uint") : ref();
    }
    const ref integer = simple_class(types, enum_integer(definition.get()));
    const ref all = integer ? members_of_enum(self, key) : ref();
    return all ? package::call(package::enumerated, {integer.get(), all.get()}) : ref();
}

// ---- pointers and arrays

// Items of these are members of the enum: `epy._headers.enums` has the method that reads them.
bool read_members(const header_types &types, PyObject *item, const ref &body,
                  const package::name &method) {
    if (!attribute_if_any(item, types.name.members)) {
        return true;
    }
    const ref get = package::take(method);
    return get && PyDict_SetItemString(body.get(), "__getitem__", get.get()) == 0;
}

// ctypes.POINTER and ctypes.pointer are to give this class too.
ref pointer_to_struct(const header_types &types, header_classes *self, PyObject *target) {
    auto *native = reinterpret_cast<PyObject *>(types.core->pointer);
    PyObject *base = base_of(types, &header_bases::struct_pointer);
    ref known;
    if (base == nullptr || !find_pointer_class(target, known)) {
        return {};
    }
    if (known) { // they did so before, for the script
        return known;
    }
    const ref name = name_like(target, "LP_%U");
    ref made = name ? subclass(types, self, name.get(), {base, native},
                               ref(Py_BuildValue("{s:O}", ctypes::item_type, target)))
                    : ref();
    return made && keep_pointer_class(target, made.get()) ? std::move(made) : ref();
}

ref pointer_to_class(const header_types &types, header_classes *self, PyObject *target) {
    if (PyType_Check(target) == 0) {
        return ref::borrowed(types.core->void_pointer);
    }
    if (attribute_if_any(target, types.name.object_class)) { // a handle: its pointers are ready
        return package::call({"ctypes", "POINTER"}, {target});
    }
    if (is_class_of(target, types.fields)) {
        return pointer_to_struct(types, self, target);
    }
    PyObject *base = base_of(types, &header_bases::pointer);
    const ref name = name_like(target, "LP_%U");
    const ref body(Py_BuildValue("{s:O}", ctypes::item_type, target));
    return base != nullptr && name && body &&
                   read_members(types, target, body, package::enum_pointer_item)
               ? subclass(types, self, name.get(),
                          {base, reinterpret_cast<PyObject *>(types.core->pointer)}, body)
               : ref();
}

ref pointer(const header_types &types, header_classes *self, PyObject *target) {
    const ref actual = resolved(self, target);
    if (!actual) {
        return {};
    }
    if (actual.get() == Py_None) {
        return ref::borrowed(types.core->void_pointer);
    }
    if (PyUnicode_Check(actual.get())) {
        if (PyUnicode_CompareWithASCIIString(actual.get(), "c_char") == 0) {
            return ref::borrowed(types.character_pointer);
        }
        if (PyUnicode_CompareWithASCIIString(actual.get(), "c_wchar") == 0) {
            return simple_class(types, "c_wchar_p");
        }
        if (PyUnicode_CompareWithASCIIString(actual.get(), "PyObject") == 0) {
            return simple_class(types, "py_object");
        }
    }
    const kind_of what = what_of(actual.get());
    if (what == kind_of::function) {
        return target_class(types, self, actual.get());
    }
    if (what == kind_of::impossible) {
        return ref::borrowed(types.core->void_pointer);
    }
    const ref type = target_class(types, self, target);
    return type ? pointer_to_class(types, self, type.get()) : ref();
}

bool is_character(const header_types &types, PyObject *type) {
    const char code = code_of(types, type);
    return (code == 'c' || code == 'u') &&
           reinterpret_cast<PyObject *>(reinterpret_cast<PyTypeObject *>(type)->tp_base) ==
               types.core->simple;
}

// ctypes adds and multiplies sizes without a look, and reserves memory for each element of an array
// in a small struct. So an array is no larger than an address space, and not of more than so many
// elements that take no room.
bool fits(const header_types &types, PyObject *element, Py_ssize_t count) {
    constexpr Py_ssize_t most_empty = 1 << 16;
    constexpr Py_ssize_t largest = Py_ssize_t{1} << 47;
    const ref object(PyObject_CallOneArg(types.size_of, element));
    const Py_ssize_t size = object ? PyLong_AsSsize_t(object.get()) : -1;
    if (size < 0) {
        return false;
    }
    if (count <= (size == 0 ? most_empty : largest / size)) {
        return true;
    }
    const ref name = name_like(element, "%U");
    return name && header_name_error("an array of %zd '%U' is too large", count, name.get());
}

ref array(const header_types &types, header_classes *self, PyObject *kind) {
    const ref element = class_of_kind(types, self, array_element(kind));
    if (!element || !fits(types, element.get(), PyLong_AsSsize_t(array_length(kind)))) {
        return {};
    }
    if (is_character(types, element.get())) { // ctypes has arrays of them as texts
        return ref(PyNumber_Multiply(element.get(), array_length(kind)));
    }
    const ref name = name_like(element.get(), "%U_Array_%zd", PyLong_AsSsize_t(array_length(kind)));
    const ref body(Py_BuildValue("{s:O,s:O}", ctypes::item_type, element.get(), ctypes::length,
                                 array_length(kind)));
    PyObject *base = base_of(types, &header_bases::items);
    return name && body && base != nullptr &&
                   read_members(types, element.get(), body, package::enum_array_item)
               ? subclass(types, self, name.get(), {base, types.core->array}, body)
               : ref();
}

// ---- structs and unions

// Its definition is read when it is to have fields: most structs of a header are only pointed to.
ref struct_or_union(const header_types &types, header_classes *self, PyObject *kind,
                    bool is_struct) {
    PyObject *key = tag_key(kind);
    const ref name = name_of_tag(is_struct ? "struct" : "union", key);
    const ref label(PyObject_CallMethod(key, "strip", "s", "{}'")); // of one without a tag
    PyObject *native = PyTuple_GET_ITEM(types.core->aggregates, is_struct ? 0 : 1);
    PyObject *metaclass = name && label ? metaclass_of_structs(types, is_struct) : nullptr;
    ref made = metaclass == nullptr ? ref()
                                    : subclass(types, self, label.get(), {types.fields, native},
                                               ref(PyDict_New()), metaclass);
    return made && PyDict_SetItem(self->incomplete, made.get(), name.get()) == 0 ? std::move(made)
                                                                                 : ref();
}

// ---- all of them

// What stands in memory for a type of the script's: for an epy.Object class its handle.
ref in_memory(const header_types &types, PyObject *mapped) {
    ref handle = attribute_if_any(mapped, types.name.handle_type);
    return handle ? std::move(handle) : ref::borrowed(mapped);
}

} // namespace

ref make_class(const header_types &types, header_classes *self, PyObject *kind) {
    switch (what_of(kind)) {
    case kind_of::simple:
        return simple_class(types, kind);
    case kind_of::alias: {
        PyObject *mapped = PyDict_GetItemWithError(self->types, alias_name(kind));
        if (mapped != nullptr || PyErr_Occurred() != nullptr) {
            return mapped == nullptr ? ref() : in_memory(types, mapped);
        }
        const ref meant = behind_name(self, kind);
        return meant ? target_class(types, self, meant.get()) : ref();
    }
    case kind_of::aligned:
        return target_class(types, self, aligned_type(kind));
    case kind_of::pointer:
        return pointer(types, self, pointer_target(kind));
    case kind_of::array:
        return array(types, self, kind);
    case kind_of::function:
        return function_class(types, self, kind, nullptr);
    case kind_of::structure:
    case kind_of::union_type:
        return struct_or_union(types, self, kind, what_of(kind) == kind_of::structure);
    case kind_of::enumeration:
        return enumeration(types, self, tag_key(kind));
    default:
        header_name_error("%U: use void * or declare it as an array of bytes",
                          impossible_reason(kind));
        return {};
    }
}

} // namespace epy
