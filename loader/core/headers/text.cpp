#include "text.h"

#include <cstring>

namespace epy {

namespace {

PyObject *argument(PyObject *character_pointer, PyObject *value) {
    if (!PyUnicode_Check(value)) {
        const ref convert(PyObject_GetAttrString(character_pointer, "from_param"));
        return convert ? PyObject_CallOneArg(convert.get(), value) : nullptr;
    }
    Py_ssize_t length = 0;
    const char *text = PyUnicode_AsUTF8AndSize(value, &length); // lives as long as the str
    if (text == nullptr) {
        return nullptr;
    }
    if (std::strlen(text) != static_cast<std::size_t>(length)) {
        return PyErr_Format(PyExc_ValueError, "%R has a NUL, where a C string ends", value);
    }
    return PyObject_CallFunction(character_pointer, "N",
                                 PyLong_FromVoidPtr(const_cast<char *>(text)));
}

PyObject *from_param(PyObject *cls, PyObject *value) {
    return argument(headers_of(reinterpret_cast<PyTypeObject *>(cls)).character_pointer, value);
}

PyMethodDef methods[] = {
    {"from_param", from_param, METH_O | METH_CLASS, "A str as its own UTF-8."},
    {},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char *>("Base of `char *` in prototypes of headers.")},
    {Py_tp_methods, methods},
    {0, nullptr},
};

} // namespace

PyType_Spec text_spec = {"epy._core.TextBase", sizeof(PyObject), 0,
                         Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

PyObject *text_class(const header_types &types) {
    PyObject *&place = types.bases->text_class;
    if (place == nullptr) {
        PyObject *native = types.character_pointer;
        PyObject *base = base_of(types, &header_bases::text);
        const ref made(base == nullptr
                           ? nullptr
                           : PyObject_CallFunction(reinterpret_cast<PyObject *>(Py_TYPE(native)),
                                                   "s(OO){s:s,s:s}", "c_text", base, native,
                                                   "_epy_code_", "z", "__module__", "epy._core"));
        if (made && place == nullptr) { // unless another thread was faster
            place = Py_NewRef(made.get());
        }
    }
    return place;
}

ref text_as_argument(const header_types &types, PyObject *value) {
    return ref(argument(types.character_pointer, value));
}

PyObject *text_argument(PyObject *, PyObject *value) {
    const ref ctypes(PyImport_ImportModule("ctypes"));
    const ref pointer(ctypes ? PyObject_GetAttrString(ctypes.get(), "c_char_p") : nullptr);
    return pointer ? argument(pointer.get(), value) : nullptr;
}

} // namespace epy
