// What a header declares, as a plugin stores it (`_file.stored_header` in Python writes it): an
// index of lines, "NAME<tab>OFFSET<tab>SIZE", and behind it what each name stands for, as marshal
// writes it. Nothing is read before a script asks for a name.
#include "loader/core/guarded.h"
#include "loader/core/headers/definitions.h"

#include <marshal.h>
#include <structmember.h>

#include <charconv>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include "loader/core/headers/marshalled.h"

namespace epy {

namespace {

struct stored_header {
    PyObject_HEAD PyObject *index; // bytes
    PyObject *data;                // bytes
};

stored_header *as_header(PyObject *object) { return reinterpret_cast<stored_header *>(object); }

std::string_view bytes_of(PyObject *bytes) {
    return {PyBytes_AS_STRING(bytes), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes))};
}

// What stands behind a key of the index ("\nNAME\t"): two numbers and the end of the line. Empty,
// perhaps without an exception, if they lead nowhere or to no value.
ref read(const stored_header *self, std::string_view key) {
    const std::string_view index = bytes_of(self->index);
    const auto *line =
        static_cast<const char *>(memmem(index.data(), index.size(), key.data(), key.size()));
    if (line == nullptr) {
        return ref::borrowed(Py_None);
    }
    std::size_t offset = 0;
    std::size_t size = 0;
    const char *end = index.data() + index.size();
    const auto first = std::from_chars(line + key.size(), end, offset);
    if (first.ptr != end) {
        std::from_chars(first.ptr + 1, end, size);
    }
    const std::string_view data = bytes_of(self->data);
    if (offset > data.size() || size > data.size() - offset) {
        return {};
    }
    const std::string_view value = data.substr(offset, size);
    return is_marshalled(value) ? ref(PyMarshal_ReadObjectFromString(
                                      value.data(), static_cast<Py_ssize_t>(value.size())))
                                : ref();
}

ref find(const stored_header *self, const char *prefix, PyObject *name) {
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "a name that a header declares is a str, not %R", name);
        return {};
    }
    const ref encoded(PyUnicode_AsEncodedString(name, "utf-8", "surrogateescape"));
    if (!encoded && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError) != 0) {
        PyErr_Clear();
        return ref::borrowed(Py_None);
    }
    if (!encoded) {
        return {};
    }
    ref found = read(self, std::string("\n").append(prefix).append(bytes_of(encoded.get())) + '\t');
    if (!found && PyErr_ExceptionMatches(PyExc_MemoryError) == 0) {
        PyErr_Clear();
        header_name_error("'%U' is damaged in the plugin: run `epy build` again", name);
    }
    return found;
}

PyObject *find_method(PyObject *object, PyObject *name) {
    return find(as_header(object), "", name).release();
}

// The name and the type in a C prototype that the script had at build.
PyObject *prototype_method(PyObject *object, PyObject *text) {
    ref found = find(as_header(object), "=", text);
    if (found && found.get() == Py_None) {
        header_name_error(
            "the C prototype '%U' was not read when the plugin was built: write it as "
            "a literal in the call, or use it once at the script's top level, and "
            "run `epy build` again",
            text);
        return nullptr;
    }
    return found.release();
}

PyObject *new_header(PyTypeObject *type, PyObject *arguments, PyObject *) {
    PyObject *index = nullptr;
    PyObject *data = nullptr;
    if (PyArg_ParseTuple(arguments, "SS:StoredHeader", &index, &data) == 0) {
        return nullptr;
    }
    PyObject *object = type->tp_alloc(type, 0);
    if (object != nullptr) {
        as_header(object)->index = Py_NewRef(index);
        as_header(object)->data = Py_NewRef(data);
    }
    return object;
}

void deallocate(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    Py_CLEAR(as_header(object)->index);
    Py_CLEAR(as_header(object)->data);
    type->tp_free(object);
    Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"find", guarded<find_method>, METH_O, "find(name) -> what it stands for, or None."},
    {"prototype", guarded<prototype_method>, METH_O, "prototype(text) -> its name and its type."},
    {},
};

PyMemberDef members[] = {
    {"index", T_OBJECT, offsetof(stored_header, index), READONLY, "The lines."},
    {},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char *>("What a plugin stores of a header.")},
    {Py_tp_new, slot<new_header>()},
    {Py_tp_dealloc, reinterpret_cast<void *>(deallocate)},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {0, nullptr},
};

} // namespace

PyType_Spec stored_header_spec = {"epy._core.StoredHeader", sizeof(stored_header), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

} // namespace epy
