// The life of a callback. Long because its record outlives the object, and both ends are told here.
#include "loader/core/call/callback.h"

#include <structmember.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "loader/core/call/entry.h"
#include "loader/core/call/error_value.h"
#include "loader/core/call/native_function.h"
#include "loader/core/call/records.h"
#include "loader/core/guarded.h"
#include "loader/core/values/ctypes_library.h"

namespace epy {

namespace {

callback *as_callback(PyObject *object) { return reinterpret_cast<callback *>(object); }

PyObject *make(PyTypeObject *type, PyObject *, PyObject *) {
    PyObject *object = type->tp_alloc(type, 0);
    if (object != nullptr) {
        as_callback(object)->state = &state_of(type);
    }
    return object;
}

int refuse() {
    PyErr_SetString(PyExc_TypeError, "Callback takes a callable, once");
    return -1;
}

// What a callback is made of. `classes` is null where all types are plain.
struct parts {
    PyObject *function = nullptr;
    const char *codes = nullptr;
    PyObject *classes = nullptr;
    PyObject *error = Py_None;
    PyObject *plugin = Py_None;
    PyObject *error_of = Py_None;
    bool sets_errno = false;
};

int fill(PyObject *object, const parts &from, ref label) {
    callback *self = as_callback(object);
    const char *text = PyUnicode_AsUTF8(label.get());
    auto types = std::make_unique<signature>();
    if (text == nullptr || !types->parse(*self->state, from.codes, from.classes)) {
        return -1;
    }
    auto objects = std::make_unique<argument_objects>(*types);
    owned_record native = new_record(self->state->interpreter);
    native->complained = native->removed = false;
    native->next = nullptr;
    native->plugin = from.plugin == Py_None ? nullptr : from.plugin;
    native->last = ref();
    if (!set_error_value(*self->state, types->result, from.error, *native) ||
        !make_entry(*native, *types)) {
        return -1;
    }
    if (self->native != nullptr) { // by Python code that ran meanwhile
        return refuse();
    }
    self->types = types.release();
    self->objects = objects.release();
    self->native = native.release();
    self->function = Py_NewRef(from.function);
    self->label = label.release();
    self->plugin = from.plugin == Py_None ? nullptr : Py_NewRef(from.plugin);
    self->error_of = from.error_of == Py_None ? nullptr : Py_NewRef(from.error_of);
    self->sets_errno = from.sets_errno;
    std::strncpy(self->native->label, text, sizeof self->native->label - 1);
    self->native->target = self;
    return 0;
}

int initialize(PyObject *object, PyObject *arguments, PyObject *keywords) {
    static const char *names[] = {"function", "signature", "classes",    "error", "label",
                                  "plugin",   "error_of",  "sets_errno", nullptr};
    parts from;
    PyObject *label = nullptr;
    int sets_errno = 0;
    if (PyArg_ParseTupleAndKeywords(arguments, keywords, "OsO!|OUOOp:Callback",
                                    const_cast<char **>(names), &from.function, &from.codes,
                                    &PyTuple_Type, &from.classes, &from.error, &label, &from.plugin,
                                    &from.error_of, &sets_errno) == 0) {
        return -1;
    }
    if (as_callback(object)->native != nullptr || PyCallable_Check(from.function) == 0) {
        return refuse();
    }
    from.sets_errno = sets_errno != 0;
    ref name(label == nullptr ? PyUnicode_FromString("") : Py_NewRef(label));
    return name ? fill(object, from, std::move(name)) : -1;
}

int traverse(PyObject *object, visitproc visit, void *arg) {
    callback *self = as_callback(object);
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->attributes);
    Py_VISIT(self->function);
    Py_VISIT(self->plugin);
    Py_VISIT(self->error_of);
    if (self->types != nullptr) {
        Py_VISIT(self->types->result.instance_of.get());
        for (const parameter &one : self->types->parameters) {
            Py_VISIT(one.instance_of.get());
        }
    }
    for (const call_record *first : {self->native, self->adopted}) {
        for (const call_record *native = first; native != nullptr; native = native->next) {
            Py_VISIT(native->kept.get());
            Py_VISIT(native->error.get());
        }
    }
    const int stopped = self->objects == nullptr ? 0 : self->objects->traverse(visit, arg);
    return stopped != 0 || self->returned == nullptr ? stopped
                                                     : self->returned->traverse(visit, arg);
}

// From here on calls get the error value.
void drop(callback *self) {
    for (call_record **first : {&self->native, &self->adopted}) {
        call_record *native = std::exchange(*first, nullptr);
        while (native != nullptr) {
            native->target = nullptr;
            retire()(std::exchange(native, native->next));
        }
    }
}

void let_go(callback *self) {
    drop(self);
    Py_CLEAR(self->function);
    Py_CLEAR(self->plugin);
    Py_CLEAR(self->error_of);
    Py_CLEAR(self->attributes);
    delete std::exchange(self->returned, nullptr);
}

// Whatever the error value leads to is garbage like the callback.
int clear(PyObject *object) {
    callback *self = as_callback(object);
    std::vector<ref> errors; // let go at the end
    for (call_record *first : {self->native, self->adopted}) {
        for (call_record *native = first; native != nullptr; native = native->next) {
            errors.push_back(forget_error_value(*native));
        }
    }
    let_go(self);
    return 0;
}

void deallocate(PyObject *object) {
    callback *self = as_callback(object);
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    drop(self); // first: what is told of it may call its address
    if (self->weak_references != nullptr) {
        PyObject_ClearWeakRefs(object);
    }
    let_go(self);
    Py_CLEAR(self->label);
    delete self->objects;
    delete self->types;
    type->tp_free(object);
    Py_DECREF(type);
}

PyObject *get_address(PyObject *object, void *) {
    callback *self = as_callback(object);
    if (self->native == nullptr) {
        PyErr_SetString(PyExc_ValueError, "this callback was never made");
        return nullptr;
    }
    void *address = address_of(*self->native);
    return address == nullptr ? nullptr : PyLong_FromVoidPtr(address);
}

PyObject *get_error_value(PyObject *object, void *) {
    const callback *self = as_callback(object);
    if (self->native == nullptr) {
        PyErr_SetString(PyExc_ValueError, "this callback was never made");
        return nullptr;
    }
    return describe_error_value(*self->types, *self->native);
}

// Whoever has the address of the other one reaches this one. Calls that are under way end as they
// began: they hold the other one.
PyObject *adopt(PyObject *object, PyObject *argument) {
    callback *self = as_callback(object);
    if (object == argument || record_of(*self->state, object) == nullptr ||
        record_of(*self->state, argument) == nullptr) {
        return PyErr_Occurred() == nullptr ? Py_NewRef(Py_None) : nullptr;
    }
    callback *other = as_callback(argument);
    for (call_record **first : {&other->native, &other->adopted}) {
        call_record *native = std::exchange(*first, nullptr);
        while (native != nullptr) {
            call_record *const rest = native->next;
            native->next = std::exchange(self->adopted, native);
            native->complained = native->removed = false;
            native->target = self;
            native = rest;
        }
    }
    if (self->returned == nullptr) {
        self->returned = std::exchange(other->returned, nullptr);
    }
    Py_RETURN_NONE;
}

// Calls get the error value, and the addresses are not used again as long as the object lives.
PyObject *remove(PyObject *object, PyObject *) {
    const callback *self = as_callback(object);
    for (call_record *first : {self->native, self->adopted}) {
        for (call_record *native = first; native != nullptr; native = native->next) {
            native->removed = true;
            native->target = nullptr;
        }
    }
    Py_RETURN_NONE;
}

// A call that runs has a reference to a function written in Python, not to anything else.
PyObject *exchange(PyObject *object, PyObject *function) {
    callback *self = as_callback(object);
    const bool possible =
        self->function != nullptr && PyFunction_Check(self->function) && PyFunction_Check(function);
    if (possible) {
        Py_SETREF(self->function, Py_NewRef(function));
    }
    return PyBool_FromLong(possible ? 1 : 0);
}

PyMethodDef methods[] = {
    {"adopt", guarded<adopt>, METH_O,
     "adopt(callback): who calls that one, of the same signature, reaches this one from now on."},
    {"remove", guarded<epy::remove>, METH_NOARGS,
     "remove(): calls get the error value, and are reported once."},
    {"exchange", guarded<exchange>, METH_O,
     "exchange(function) -> whether it runs that one now: both must be written in Python."},
    {},
};

PyMemberDef members[] = {
    {"function", T_OBJECT, offsetof(callback, function), READONLY, "The Python callable."},
    {"__wrapped__", T_OBJECT_EX, offsetof(callback, function), READONLY, "The same."},
    {"label", T_OBJECT, offsetof(callback, label), READONLY, "What reports call it."},
    {"plugin", T_OBJECT, offsetof(callback, plugin), READONLY, "The NativePlugin, or None."},
    {"__dictoffset__", T_PYSSIZET, offsetof(callback, attributes), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(callback, weak_references), READONLY, nullptr},
    {},
};

PyGetSetDef properties[] = {
    {"address", get_address, nullptr, "The address that C calls: a trampoline of its own.",
     nullptr},
    {"callback", get_callback_itself, nullptr, "Itself: an instance of ctypes has one.", nullptr},
    {"types", get_callback_types, nullptr,
     "The class or the code of the result and each parameter.", nullptr},
    {ctypes::as_parameter, get_callback_argument, nullptr, "What ctypes passes to C.", nullptr},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {"error_value", get_error_value, nullptr, "What a plugin stores of the error value.", nullptr},
    {},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char *>(
                    "Callback(function, signature, classes, error=None, label='', plugin=None, "
                    "error_of=None, sets_errno=False)\n--\n\n"
                    "A native function that runs a Python callable. Its address returns the error "
                    "value once the object is gone.")},
    {Py_tp_new, slot<make>()},
    {Py_tp_init, slot<initialize>()},
    {Py_tp_call, slot<call_python_function>()},
    {Py_tp_getattro, slot<get_callback_attribute>()},
    {Py_tp_traverse, reinterpret_cast<void *>(traverse)},
    {Py_tp_clear, slot<clear>()},
    {Py_tp_dealloc, reinterpret_cast<void *>(deallocate)},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_getset, properties},
    {0, nullptr},
};

} // namespace

PyType_Spec callback_spec = {"epy._core.Callback", sizeof(callback), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
                             slots};

namespace {

// "export 'NAME'". PyUnicode_FromFormat takes several times as long.
ref label_of_export(PyObject *name) {
    Py_ssize_t size = 0;
    const char *text = PyUnicode_AsUTF8AndSize(name, &size);
    if (text == nullptr) {
        return {};
    }
    std::string label("export '");
    label.append(text, static_cast<std::size_t>(size)).push_back('\'');
    return ref(PyUnicode_FromStringAndSize(label.data(), static_cast<Py_ssize_t>(label.size())));
}

} // namespace

ref new_export_of_plain_types(const module_state &state, PyObject *function, const char *codes,
                              PyObject *name, PyObject *plugin) {
    parts from;
    from.function = function;
    from.codes = codes;
    from.plugin = plugin;
    ref made(make(state.callback_type, nullptr, nullptr));
    ref label = label_of_export(name);
    const bool filled = made && label && fill(made.get(), from, std::move(label)) == 0;
    return filled ? std::move(made) : ref();
}

void keep_for_host(callback &self, call_record &native, ref object) {
    const bool is_dropped = self.native == nullptr || Py_REFCNT(&self) == 1; // this call's own
    if (is_dropped) {
        const ref former(std::exchange(native.last, std::move(object)));
        return;
    }
    if (self.returned == nullptr) {
        if (!object) {
            return;
        }
        self.returned = new returned_values;
    }
    self.returned->keep(std::move(object));
}

call_record *record_of(const module_state &state, PyObject *object) {
    if (!Py_IS_TYPE(object, state.callback_type) || as_callback(object)->native == nullptr) {
        PyErr_Format(PyExc_TypeError, "expected a live Callback, got %R", object);
        return nullptr;
    }
    return as_callback(object)->native;
}

} // namespace epy
