#include "loader/core/headers/function_class.h"

#include "loader/core/guarded.h"
#include "loader/core/headers/definitions.h"
#include "loader/core/headers/host_call.h"
#include "loader/core/headers/misfits.h"
#include "loader/core/headers/stored.h"
#include "loader/core/headers/subclass.h"
#include "loader/core/headers/text.h"
#include "loader/core/package.h"
#include "loader/core/values/ctypes_library.h"

namespace epy {

namespace {

// In a prototype a `char *` takes str too.
bool take_text(const header_types &types, const ref &all) {
    for (Py_ssize_t index = 1; index < PyTuple_GET_SIZE(all.get()); ++index) {
        PyObject *ctype = PyTuple_GET_ITEM(all.get(), index);
        if (ctype == types.character_pointer) {
            PyObject *text = text_class(types);
            if (text == nullptr) {
                return false;
            }
            PyTuple_SET_ITEM(all.get(), index, Py_NewRef(text));
            Py_DECREF(ctype);
        }
    }
    return true;
}

// A parameter `void (*)(void)` is C's pointer to any function: what `void (*)()` says.
ref parameter(const header_types &types, header_classes *self, PyObject *kind) {
    const ref actual = resolved(self, kind);
    const ref function = actual && what_of(actual.get()) == kind_of::pointer
                             ? resolved(self, pointer_target(actual.get()))
                             : ref();
    if (!function || what_of(function.get()) != kind_of::function ||
        function_result(function.get()) != Py_None ||
        PyTuple_GET_SIZE(function_parameters(function.get())) != 0) {
        return PyErr_Occurred() == nullptr ? ref::borrowed(kind) : ref();
    }
    return ref(
        Py_BuildValue("(O(OO()O))", types.name.star, word(function.get()), Py_None, Py_True));
}

} // namespace

ref parts_of_function(const header_types &types, header_classes *self, PyObject *kind) {
    PyObject *parameters = function_parameters(kind);
    const Py_ssize_t count = PyTuple_GET_SIZE(parameters);
    constexpr Py_ssize_t most = 1024;
    if (count > most) {
        header_name_error("%zd parameters are more than ctypes passes, %zd", count, most);
        return {};
    }
    ref all(PyTuple_New(count + 1));
    for (Py_ssize_t index = 0; all && index <= count; ++index) {
        const ref part = index == 0
                             ? ref::borrowed(function_result(kind))
                             : parameter(types, self, PyTuple_GET_ITEM(parameters, index - 1));
        ref made = part ? class_of_kind(types, self, part.get()) : ref();
        if (!made) {
            const ref label(index == 0 ? PyUnicode_FromString("the result")
                                       : PyUnicode_FromFormat("parameter %zd", index));
            name_in_header_error(label.get());
            return {};
        }
        PyTuple_SET_ITEM(all.get(), index, made.release());
    }
    return all;
}

ref error_of_result(header_classes *self, PyObject *result) {
    ref kind = ref::borrowed(result);
    for (int steps = 0; steps < most_names; ++steps) {
        PyObject *found = nullptr;
        const kind_of what = what_of(kind.get());
        if (what == kind_of::alias) {
            found = PyDict_GetItemWithError(self->errors, alias_name(kind.get()));
        } else if (is_tag(what)) {
            const ref key(PyUnicode_FromFormat("%U %U", word(kind.get()), tag_key(kind.get())));
            found = key ? PyDict_GetItemWithError(self->errors, key.get()) : nullptr;
        } else if (what == kind_of::simple) {
            const ref key(PyTuple_Pack(1, kind.get()));
            found = key ? PyDict_GetItemWithError(self->errors, key.get()) : nullptr;
        }
        if (found != nullptr || PyErr_Occurred() != nullptr) {
            return ref::borrowed(found);
        }
        if (what != kind_of::alias && what != kind_of::aligned) {
            return ref::borrowed(Py_None);
        }
        kind = behind_name(self, kind.get());
        if (!kind) {
            return {};
        }
    }
    circle_error(result);
    return {};
}

ref function_class(const header_types &types, header_classes *self, PyObject *kind,
                   PyObject *refined) {
    ref all = refined == nullptr ? parts_of_function(types, self, kind) : ref::borrowed(refined);
    if (!all || (refined == nullptr && !take_text(types, all))) {
        return {};
    }
    const ref error = error_of_result(self, function_result(kind));
    const ref name(PyUnicode_FromString("Function"));
    const ref parameters(PyTuple_GetSlice(all.get(), 1, PyTuple_GET_SIZE(all.get())));
    const ref checks =
        parameters ? checks_of(types, PyTuple_GET_ITEM(all.get(), 0), parameters.get(),
                               PyObject_IsTrue(function_is_variadic(kind)) != 0,
                               (PyLong_AsLong(self->function_flags) & ctypes::keeps_errno) != 0)
                   : ref();
    // By the very names that are looked up in each call.
    const ref body(error && checks
                       ? Py_BuildValue("{s:O,s:O,s:O,O:O,s:O,O:O}", ctypes::flags,
                                       self->function_flags, ctypes::result_type,
                                       PyTuple_GET_ITEM(all.get(), 0), ctypes::argument_types,
                                       parameters.get(), types.name.kind, kind, "_epy_error_",
                                       error.get(), types.name.checks, checks.get())
                       : nullptr);
    return name ? subclass(types, self, name.get(), {types.function}, body) : ref();
}

namespace {

// As an argument of a C function: a callable becomes a callback that lives until unload.
PyObject *function_argument(PyObject *cls, PyObject *value) {
    if (PyObject_TypeCheck(value, reinterpret_cast<PyTypeObject *>(cls))) {
        return Py_NewRef(value);
    }
    const header_types &types = headers_of(reinterpret_cast<PyTypeObject *>(cls));
    const header_classes *classes = classes_of(types, cls);
    storing where{classes == nullptr ? nullptr : as_kept(classes->kept), false, true};
    ref made = classes == nullptr ? ref() : stored(types, cls, value, where);
    if (!made && misfit_is_set()) {
        raise_misfit(package::argument_error, {cls, value}, taken_exception());
    }
    return made.release();
}

PyMethodDef function_methods[] = {
    {"from_param", guarded<function_argument>, METH_O | METH_CLASS,
     "A value as an argument of a function."},
    {},
};

PyType_Slot function_slots[] = {
    {Py_tp_doc, const_cast<char *>("Base of the function pointers of headers.")},
    {Py_tp_call, slot<call_host>()},
    {Py_tp_methods, function_methods},
    {0, nullptr},
};

} // namespace

PyType_Spec function_spec = {
    "epy._core.FunctionBase", sizeof(PyObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, function_slots};

} // namespace epy
