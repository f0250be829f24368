// Arrays and pointers of headers: their items take Python values, a pointer to a struct has its
// fields.
#include <cstdint>

#include "loader/core/attribute.h"
#include "loader/core/cpython.h"
#include "loader/core/guarded.h"
#include "loader/core/headers/ctypes_objects.h"
#include "loader/core/headers/misfits.h"
#include "loader/core/headers/pointer_fields.h"
#include "loader/core/headers/stored.h"
#include "loader/core/package.h"
#include "loader/core/values/items.h"
#include "loader/core/values/pointed.h"

namespace epy {

namespace {

// A value for an item of an array or a pointer; FieldError if it does not fit.
ref item(const header_types &types, PyObject *self, PyObject *index, PyObject *value,
         storing &where) {
    const ref element = attribute_of_class(self, types.core->type_name);
    ref made = element ? stored(types, element.get(), value, where) : ref();
    if (!made && misfit_is_set()) {
        raise_misfit(package::item_error, {type_of_object(self), index, value}, taken_exception());
    }
    return made && value == Py_None && is_pointer_class(types, element.get())
               ? null_pointer(types, element.get())
               : std::move(made);
}

// Items are as large as their type. 0 with a Python exception.
std::size_t size_of_item(const header_types &types, PyObject *self) {
    const ref element = attribute_of_class(self, types.core->type_name);
    const ref size(element ? PyObject_CallOneArg(types.core->size_of, element.get()) : nullptr);
    return size ? PyLong_AsSize_t(size.get()) : 0;
}

// ---- arrays

// False with a Python exception.
bool find_place(const header_types &types, PyObject *self, PyObject *index, std::uintptr_t &place) {
    Py_ssize_t number = PyNumber_AsSsize_t(index, PyExc_IndexError);
    const Py_ssize_t length = PySequence_Size(self);
    number += number < 0 ? length : 0;
    void *const start = place_of(self);
    place = reinterpret_cast<std::uintptr_t>(start) +
            static_cast<std::size_t>(number) * size_of_item(types, self);
    return start != nullptr && PyErr_Occurred() == nullptr;
}

int set_array_item(const header_types &types, PyObject *self, PyObject *index, PyObject *value,
                   kept_values *kept) {
    storing where{kept};
    const ref made = item(types, self, index, value, where);
    std::uintptr_t place = 0;
    const auto native =
        reinterpret_cast<PyTypeObject *>(types.core->array)->tp_as_mapping->mp_ass_subscript;
    if (!made || native(self, index, made.get()) != 0 ||
        (kept != nullptr && !find_place(types, self, index, place))) {
        return -1;
    }
    keep_at(place, size_of_stored(types, made.get()), where);
    return 0;
}

int set_slice(const header_types &types, PyObject *self, PyObject *slice, PyObject *values,
              kept_values *kept) {
    Py_ssize_t start = 0;
    Py_ssize_t stop = 0;
    Py_ssize_t step = 0;
    if (PySlice_Unpack(slice, &start, &stop, &step) != 0) {
        return -1;
    }
    const Py_ssize_t count = PySlice_AdjustIndices(PySequence_Size(self), &start, &stop, step);
    const ref items(PySequence_Fast(values, "a slice: it is no sequence"));
    if (!items || PySequence_Fast_GET_SIZE(items.get()) != count) {
        if (items) {
            misfit("%zd items: it has %zd values", count, PySequence_Fast_GET_SIZE(items.get()));
        }
        if (misfit_is_set()) {
            raise_misfit(package::item_error, {type_of_object(self), slice, values},
                         taken_exception());
        }
        return -1;
    }
    for (Py_ssize_t number = 0; number < count; ++number) {
        const ref index(PyLong_FromSsize_t(start + number * step));
        const ref value = ref::borrowed(PySequence_Fast_GET_ITEM(items.get(), number));
        if (!index || set_array_item(types, self, index.get(), value.get(), kept) != 0) {
            return -1;
        }
    }
    return 0;
}

int set_array(PyObject *self, PyObject *index, PyObject *value) {
    const header_types &types = headers_of(Py_TYPE(self));
    if (value == nullptr) { // which ctypes refuses
        return reinterpret_cast<PyTypeObject *>(types.core->array)
            ->tp_as_mapping->mp_ass_subscript(self, index, value);
    }
    kept_values *kept = nullptr;
    if (!find_keeper(types, self, kept)) {
        return -1;
    }
    return PySlice_Check(index) ? set_slice(types, self, index, value, kept)
                                : set_array_item(types, self, index, value, kept);
}

PyType_Slot items_slots[] = {
    {Py_tp_doc, const_cast<char *>("Base of the arrays of headers.")},
    {Py_mp_ass_subscript, slot<set_array>()},
    {0, nullptr},
};

// ---- pointers

bool complete_target(const header_types &types, PyObject *self, ref &target) {
    target = attribute_of_class(self, types.core->type_name);
    return target && complete_if_struct(types, target.get());
}

// What the pointer was made of, if Python made it; empty, without an exception, if not.
ref own_target(const header_types &types, PyObject *self) {
    const ref objects(PyObject_GetAttr(self, types.name.objects));
    if (!objects || !PyDict_Check(objects.get())) {
        return {};
    }
    return ref::borrowed(PyDict_GetItemString(objects.get(), "1"));
}

// The very object, if Python made both.
PyObject *get_contents(PyObject *self, void *) {
    const header_types &types = headers_of(Py_TYPE(self));
    ref type;
    if (!complete_target(types, self, type)) {
        return nullptr;
    }
    PyObject *native = types.native_contents;
    ref found(Py_TYPE(native)->tp_descr_get(native, self, type_of_object(self)));
    const ref own = found ? own_target(types, self) : ref();
    if (own && PyObject_TypeCheck(own.get(), reinterpret_cast<PyTypeObject *>(type.get()))) {
        const ref places[] = {
            ref(PyObject_CallOneArg(types.core->address_of, own.get())),
            ref(PyObject_CallOneArg(types.core->address_of, found.get())),
        };
        if (places[0] && places[1] &&
            PyObject_RichCompareBool(places[0].get(), places[1].get(), Py_EQ) == 1) {
            return Py_NewRef(own.get());
        }
    }
    return PyErr_Occurred() == nullptr ? found.release() : nullptr;
}

int set_contents(PyObject *self, PyObject *value, void *) {
    const header_types &types = headers_of(Py_TYPE(self));
    PyObject *native = types.native_contents;
    storing where;
    void *const place = place_of(self);
    if (place == nullptr || Py_TYPE(native)->tp_descr_set(native, self, value) != 0 ||
        !find_keeper(types, self, where.kept)) {
        return -1;
    }
    if (where.kept != nullptr) {
        where.needs = with_targets(value);
        keep_at(reinterpret_cast<std::uintptr_t>(place), 1, where);
    }
    return PyErr_Occurred() == nullptr ? 0 : -1;
}

PyObject *get_pointer_item(PyObject *self, PyObject *index) {
    const header_types &types = headers_of(Py_TYPE(self));
    ref type;
    return complete_target(types, self, type)
               ? types.core->pointer->tp_as_mapping->mp_subscript(self, index)
               : nullptr;
}

int set_pointer_item(PyObject *self, Py_ssize_t index, PyObject *value) {
    const header_types &types = headers_of(Py_TYPE(self));
    const auto native = types.core->pointer->tp_as_sequence->sq_ass_item;
    if (value == nullptr) { // which ctypes refuses
        return native(self, index, value);
    }
    ref type;
    const header_classes *classes = classes_of(types, type_of_object(self));
    const ref number(PyLong_FromSsize_t(index));
    if (classes == nullptr || !number || !complete_target(types, self, type)) {
        return -1;
    }
    storing where{as_kept(classes->kept)};
    const ref made = item(types, self, number.get(), value, where);
    void *const pointer = made ? place_of(self) : nullptr;
    const std::size_t size = pointer == nullptr ? 0 : size_of_item(types, self);
    if (size == 0 || native(self, index, made.get()) != 0) {
        return -1;
    }
    const auto start = *static_cast<std::uintptr_t *>(pointer);
    keep_at(start + static_cast<std::size_t>(index) * size, size_of_stored(types, made.get()),
            where);
    return 0;
}

// As an argument of a C function: what ctypes takes, and for that call lists, dicts and strings.
PyObject *pointer_argument(PyObject *cls, PyObject *value) {
    const header_types &types = headers_of(reinterpret_cast<PyTypeObject *>(cls));
    const ref native(PyObject_GetAttrString(type_of_object(cls), "from_param"));
    ref made(native ? PyObject_CallFunctionObjArgs(native.get(), cls, value, nullptr) : nullptr);
    if (made || PyErr_ExceptionMatches(PyExc_TypeError) == 0) {
        return made.release();
    }
    const ref refusal = taken_exception();
    const lasting_callbacks these;
    made = stored(types, cls, value);
    if (!made && misfit_is_set()) {
        const ref reason = taken_exception();
        const ref text(PyObject_Str(reason.get()));
        const bool says_why = text && PyUnicode_GET_LENGTH(text.get()) != 0;
        PyObject *told = says_why ? reason.get() : refusal.get();
        PyErr_SetObject(type_of_object(told), told);
    }
    return made.release();
}

PyGetSetDef pointer_attributes[] = {
    {"contents", get_contents, set_contents, "What it points to.", nullptr},
    {},
};

PyMethodDef pointer_methods[] = {
    {"from_param", guarded<pointer_argument>, METH_O | METH_CLASS,
     "A value as an argument of a function."},
    {},
};

PyType_Slot pointer_slots[] = {
    {Py_tp_doc, const_cast<char *>("Base of the pointers of headers.")},
    {Py_mp_subscript, slot<get_pointer_item>()},
    {Py_sq_ass_item, slot<set_pointer_item>()},
    {Py_tp_getset, pointer_attributes},
    {Py_tp_methods, pointer_methods},
    {0, nullptr},
};

// ---- pointers to structs

// Without asking the pointer first, which would make an exception for each field.
bool is_field(const header_types &types, PyObject *self, PyObject *name) {
    if (!PyUnicode_Check(name) || PyUnicode_READ_CHAR(name, 0) == '_' ||
        PyUnicode_Compare(name, types.name.contents) == 0) {
        return false;
    }
    const ref target = attribute_of_class(self, types.core->type_name);
    PyObject *fields =
        target && PyType_Check(target.get())
            ? PyDict_GetItem(cpython::dict_of_type(target.get()).get(), types.name.types)
            : nullptr;
    const bool found =
        fields != nullptr && PyDict_Check(fields) && PyDict_Contains(fields, name) == 1;
    PyErr_Clear();
    return found;
}

PyObject *get_field(PyObject *self, PyObject *name) {
    const header_types &types = headers_of(Py_TYPE(self));
    PyObject *const plain = plain_field(types, self, name);
    if (plain != nullptr || PyErr_Occurred() != nullptr) {
        return plain;
    }
    if (is_field(types, self, name)) {
        const ref contents(get_contents(self, nullptr));
        ref value(contents ? PyObject_GetAttr(contents.get(), name) : nullptr);
        if (value) {
            const ref target = attribute_of_class(self, types.core->type_name);
            note_field(types, self, target.get(), name);
        }
        return value.release();
    }
    if (!PyUnicode_Check(name) || is_special(name)) {
        return PyObject_GenericGetAttr(self, name);
    }
    ref found = if_any(PyObject_GenericGetAttr(self, name));
    if (found || PyErr_Occurred() != nullptr) {
        return found.release();
    }
    const ref contents(get_contents(self, nullptr));
    return contents ? PyObject_GetAttr(contents.get(), name) : nullptr;
}

int set_field(PyObject *self, PyObject *name, PyObject *value) {
    if (value == nullptr || !PyUnicode_Check(name) ||
        PyUnicode_Compare(name, headers_of(Py_TYPE(self)).name.contents) == 0) {
        return PyObject_GenericSetAttr(self, name, value);
    }
    const ref contents(get_contents(self, nullptr));
    return contents ? PyObject_SetAttr(contents.get(), name, value) : -1;
}

PyType_Slot struct_pointer_slots[] = {
    {Py_tp_doc, const_cast<char *>("Base of the pointers to structs and unions of headers.")},
    {Py_tp_getattro, slot<get_field>()},
    {Py_tp_setattro, slot<set_field>()},
    {Py_mp_subscript, slot<get_pointer_item>()},
    {Py_sq_ass_item, slot<set_pointer_item>()},
    {Py_tp_getset, pointer_attributes},
    {Py_tp_methods, pointer_methods},
    {0, nullptr},
};

constexpr unsigned long base_flags =
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION;

} // namespace

PyType_Spec items_spec = {"epy._core.Items", sizeof(PyObject), 0, base_flags, items_slots};
PyType_Spec pointer_spec = {"epy._core.Pointer", sizeof(PyObject), 0, base_flags, pointer_slots};
PyType_Spec struct_pointer_spec = {"epy._core.StructPointer", sizeof(PyObject), 0, base_flags,
                                   struct_pointer_slots};

} // namespace epy
