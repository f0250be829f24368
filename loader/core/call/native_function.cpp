#include "loader/core/call/native_function.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "loader/core/attribute.h"
#include "loader/core/call/callback.h"
#include "loader/core/guarded.h"
#include "loader/core/package.h"

namespace epy {

namespace {

// Of an instance of ctypes: calls from Python need not go through C.
PyObject *call_wrapped(PyObject *self, PyObject *arguments, PyObject *named) {
    const ref function(PyObject_GetAttrString(self, "__wrapped__"));
    return function ? PyObject_Call(function.get(), arguments, named) : nullptr;
}

PyObject *show(PyObject *self) {
    const ref callback(PyObject_GetAttrString(self, "callback"));
    const ref label(callback ? PyObject_GetAttrString(callback.get(), "label") : nullptr);
    const ref address(label ? PyObject_GetAttrString(self, "address") : nullptr);
    void *const place = address ? PyLong_AsVoidPtr(address.get()) : nullptr;
    return place == nullptr ? nullptr : PyUnicode_FromFormat("<%U at %p>", label.get(), place);
}

PyObject *as_ctypes(PyObject *self, PyObject *) {
    const module_state &state = state_of(PyType_GetModuleByDef(Py_TYPE(self), &core_module));
    return Py_IS_TYPE(self, state.callback_type)
               ? package::call(package::as_ctypes, {self}).release()
               : Py_NewRef(self);
}

PyMethodDef methods[] = {
    {"as_ctypes", guarded<as_ctypes>, METH_NOARGS,
     "as_ctypes() -> the function as an instance of its ctypes function type: for a field of a "
     "ctypes struct, for ctypes.cast. It keeps the callback; `is` does not hold between two."},
    {},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char *>(
         "A Python function that C can call: what `epy.export` and `epy.callback` return.\n\n"
         "Called from Python it runs the Python function, `__wrapped__`. `address` is what C "
         "calls. "
         "It fits wherever epy or ctypes wants a function pointer as an argument or result. Made "
         "from a ctypes function type, or where the script has imported ctypes before, it is an "
         "instance of that type and fits a field of a ctypes struct too; else `as_ctypes()` gives "
         "one.")},
    {Py_tp_call, slot<call_wrapped>()},
    {Py_tp_repr, slot<show>()},
    {Py_tp_methods, methods},
    {0, nullptr},
};

// What a function is called, and what it says of itself.
bool is_of_function(PyObject *name) {
    static constexpr const char *names[] = {"__name__", "__qualname__", "__module__", "__doc__"};
    return PyUnicode_READ_CHAR(name, 0) == '_' &&
           std::any_of(std::begin(names), std::end(names), [name](const char *one) {
               return PyUnicode_CompareWithASCIIString(name, one) == 0;
           });
}

const callback *as_callback(PyObject *object) { return reinterpret_cast<callback *>(object); }

} // namespace

PyObject *call_python_function(PyObject *object, PyObject *arguments, PyObject *named) {
    const ref function = ref::borrowed(as_callback(object)->function);
    if (!function) {
        PyErr_SetString(PyExc_ValueError, "this callback was never made");
        return nullptr;
    }
    return PyObject_Call(function.get(), arguments, named);
}

PyObject *get_callback_attribute(PyObject *object, PyObject *name) {
    PyObject *const function = as_callback(object)->function;
    if (function != nullptr && PyUnicode_Check(name) && PyUnicode_GET_LENGTH(name) > 6 &&
        is_of_function(name)) {
        ref found;
        if (!find_attribute(function, name, found) || found) {
            return found.release();
        }
    }
    return PyObject_GenericGetAttr(object, name);
}

PyObject *get_callback_itself(PyObject *object, void *) { return Py_NewRef(object); }

PyObject *get_callback_argument(PyObject *object, void *) {
    return PyObject_CallMethod(object, "as_ctypes", nullptr);
}

// Of each value, the class or the code: what its ctypes function type is made of.
PyObject *get_callback_types(PyObject *object, void *) {
    const callback *self = as_callback(object);
    ref all(PyList_New(0));
    const auto add = [&all](const parameter &one) {
        const char code[] = {code_of(one.code), '\0'};
        const ref item(one.instance_of && PyType_Check(one.instance_of.get())
                           ? Py_NewRef(one.instance_of.get())
                           : PyUnicode_FromString(code));
        return item && PyList_Append(all.get(), item.get()) == 0;
    };
    if (self->types == nullptr) {
        PyErr_SetString(PyExc_ValueError, "this callback was never made");
        return nullptr;
    }
    const std::vector<parameter> &parameters = self->types->parameters;
    return all && add(self->types->result) && std::all_of(parameters.begin(), parameters.end(), add)
               ? all.release()
               : nullptr;
}

PyType_Spec native_function_spec = {"epy.NativeFunction", sizeof(PyObject), 0,
                                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE |
                                        Py_TPFLAGS_DISALLOW_INSTANTIATION |
                                        Py_TPFLAGS_IMMUTABLETYPE,
                                    slots};

} // namespace epy
