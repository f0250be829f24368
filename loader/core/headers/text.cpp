#include "loader/core/headers/text.h"

#include "loader/core/guarded.h"
#include "loader/core/headers/ctypes_objects.h"
#include "loader/core/headers/held_pointer.h"
#include "loader/core/headers/misfits.h"
#include "loader/core/values/pointed.h"

namespace epy {

namespace {

PyObject *argument(PyObject *character_pointer, PyObject *value) {
    if (!PyUnicode_Check(value)) {
        const ref convert(PyObject_GetAttrString(character_pointer, "from_param"));
        return convert ? PyObject_CallOneArg(convert.get(), value) : nullptr;
    }
    const char *text = text_of(value);
    return text == nullptr ? nullptr
                           : PyObject_CallFunction(character_pointer, "N",
                                                   PyLong_FromVoidPtr(const_cast<char *>(text)));
}

// What ctypes does not take may be memory of characters all the same: a bytearray, an array.
PyObject *from_param(PyObject *cls, PyObject *value) {
    const header_types &types = headers_of(reinterpret_cast<PyTypeObject *>(cls));
    PyObject *made = argument(types.character_pointer, value);
    if (made != nullptr || PyLong_Check(value) || PyUnicode_Check(value) ||
        PyErr_ExceptionMatches(PyExc_TypeError) == 0) {
        return made;
    }
    const ref refusal = taken_exception();
    pointed there;
    const fit found = points_to(*types.core, types.core->character, value, there);
    if (found == fit::no) {
        PyErr_SetObject(type_of_object(refusal.get()), refusal.get());
        return there.reason.empty() ? nullptr : misfit("%s", there.reason.c_str()).release();
    }
    return found == fit::yes
               ? pointer_object(types, types.character_pointer, std::move(there)).release()
               : nullptr;
}

PyMethodDef methods[] = {
    {"from_param", guarded<from_param>, METH_O | METH_CLASS, "A str as its own UTF-8."},
    {},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char *>("Base of `char *` in prototypes of headers.")},
    {Py_tp_methods, methods},
    {0, nullptr},
};

} // namespace

PyType_Spec text_spec = {
    "epy._core.TextBase", sizeof(PyObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

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
