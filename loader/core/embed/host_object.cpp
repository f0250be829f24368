#include "loader/core/embed/host_object.h"

#include <structmember.h>

#include <cstddef>
#include <utility>

#include "loader/core/embed/attached.h"
#include "loader/core/embed/hooks.h"
#include "loader/core/embed/known_wrappers.h"
#include "loader/core/guarded.h"
#include "loader/core/host/raised.h"
#include "loader/core/package.h"

namespace epy {

namespace {

host_object *as_host_object(PyObject *object) { return reinterpret_cast<host_object *>(object); }

// With the GIL. May have become needless meanwhile.
bool make_strong(module_state &state, void *pointer) {
    host_object *wrapper = known_wrappers::wrapper_of(pointer);
    handle_cell *cell = wrapper == nullptr
                            ? nullptr
                            : state.handles->give(reinterpret_cast<PyObject *>(wrapper), nullptr);
    if (cell != nullptr) {
        known_wrappers::hold(pointer, wrapper, *cell);
    }
    return cell != nullptr || wrapper == nullptr;
}

void release(const epy_class *of, void *pointer) {
    if (of->release != nullptr) {
        call_hook([=] { of->release(pointer); });
    }
}

// The host has the object, by a reference of its own or, of a class without a count, until it
// forgets it. False with an exception.
bool share_from_now_on(module_state &state, void *pointer) {
    return known_wrappers::share(pointer, true) || make_strong(state, pointer);
}

// ---- the type

constexpr const char *key_name = "epy.host_class"; // no other capsule passes for one

PyObject *attribute_of_class(PyTypeObject *type, const char *name) {
    return PyObject_GetAttrString(reinterpret_cast<PyObject *>(type), name);
}

const epy_class *class_of(PyTypeObject *type) {
    const ref key(attribute_of_class(type, "_host_class_"));
    auto *found =
        key ? static_cast<const epy_class *>(PyCapsule_GetPointer(key.get(), key_name)) : nullptr;
    if (found == nullptr) {
        PyErr_SetString(PyExc_TypeError, "take a class from epy.host_class(name)");
    }
    return found;
}

// What the host's constructor raises is raised here, whatever it gives. Null with an exception.
void *made_by_host(const epy_class &of) {
    const c_call outer = begin_c_call();
    void *pointer = call_hook([&] { return of.create(); });
    if (!ref(end_c_call(outer, Py_NewRef(Py_None)))) {
        const exception_set_aside raised;
        if (pointer != nullptr) {
            release(&of, pointer);
        }
        return nullptr;
    }
    if (pointer == nullptr) {
        PyErr_Format(PyExc_RuntimeError, "the host has made no %s", of.name);
    }
    return pointer;
}

// A script makes one.
PyObject *make(PyTypeObject *type, PyObject *, PyObject *) {
    const epy_class *of = class_of(type);
    if (of == nullptr) {
        return nullptr;
    }
    if (of->create == nullptr) {
        return PyErr_Format(PyExc_TypeError,
                            "%s: the host makes these; scripts get them from the host", of->name);
    }
    ref object(type->tp_alloc(type, 0));
    void *pointer = object ? made_by_host(*of) : nullptr;
    if (pointer == nullptr) {
        return nullptr;
    }
    if (known_wrappers::wrapper_of(pointer) != nullptr) {
        PyErr_Format(PyExc_RuntimeError,
                     "the host's %s has a Python object before it is made: 'create' must not wrap "
                     "what it gives",
                     of->name);
        release(of, pointer);
        return nullptr;
    }
    known_wrappers::keep(as_host_object(object.get()), pointer, of);
    if (of->retain == nullptr &&
        !share_from_now_on(state_of(PyType_GetModuleByDef(type, &core_module)), pointer)) {
        return nullptr;
    }
    return object.release();
}

int traverse(PyObject *object, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(as_host_object(object)->attributes);
    return 0;
}

int clear(PyObject *object) {
    Py_CLEAR(as_host_object(object)->attributes);
    return 0;
}

void deallocate(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    host_object *self = as_host_object(object);
    PyObject_GC_UnTrack(object);
    if (self->weak_references != nullptr) {
        PyObject_ClearWeakRefs(object);
    }
    known_wrappers::leave(self);
    Py_CLEAR(self->attributes);
    if (void *pointer = self->pointer; pointer != nullptr) {
        release(self->of, pointer);
    }
    type->tp_free(object);
    Py_DECREF(type);
}

// The pointer, or null with epy.UnloadedError.
void *pointer_of(PyObject *object) {
    const host_object *self = as_host_object(object);
    void *pointer = self->pointer;
    if (pointer == nullptr) {
        if (const ref kind = package::take(package::unloaded_error)) {
            PyErr_Format(kind.get(), "the host's %s is gone",
                         self->of == nullptr ? "object" : self->of->name);
        }
    }
    return pointer;
}

PyObject *get_address(PyObject *object, void *) {
    void *pointer = pointer_of(object);
    return pointer == nullptr ? nullptr : PyLong_FromVoidPtr(pointer);
}

PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(host_object, weak_references), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(host_object, attributes), READONLY, nullptr},
    {},
};

PyGetSetDef properties[] = {
    {"address", get_address, nullptr, "The host's pointer. UnloadedError if the object is gone.",
     nullptr},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char *>("An object of the host's: see epy.host_class.")},
    {Py_tp_new, slot<make>()},
    {Py_tp_traverse, reinterpret_cast<void *>(traverse)},
    {Py_tp_clear, reinterpret_cast<void *>(clear)},
    {Py_tp_dealloc, reinterpret_cast<void *>(deallocate)},
    {Py_tp_members, members},
    {Py_tp_getset, properties},
    {0, nullptr},
};

// ---- wrapping

ref class_named(const char *name) {
    const ref text(PyUnicode_FromString(name));
    return text ? package::call(package::host_class, {text.get()}) : ref();
}

// By what it wraps: a Python class can be of two of the host's, or be given to an object later.
bool is_of(const module_state &state, PyObject *object, PyObject *cls) {
    return PyObject_TypeCheck(object, state.host_object_type) != 0 &&
           as_host_object(object)->of == class_of(reinterpret_cast<PyTypeObject *>(cls));
}

// The wrapper that there is; empty without one, and with an exception if it is of another class.
ref present_wrapper(const module_state &state, const ref &cls, void *pointer) {
    ref object = ref::borrowed(reinterpret_cast<PyObject *>(known_wrappers::wrapper_of(pointer)));
    if (object && !is_of(state, object.get(), cls.get())) {
        PyErr_Format(PyExc_TypeError, "%p is wrapped already, as %s, which is no %s", pointer,
                     Py_TYPE(object.get())->tp_name,
                     reinterpret_cast<PyTypeObject *>(cls.get())->tp_name);
        return {};
    }
    return object;
}

// What is made is none until it is kept: memory costs a collection, and `retain` is the host's, so
// either may run any code, which may have wrapped the object meanwhile. The host has what is kept:
// whoever wraps has a reference.
ref new_wrapper(module_state &state, const ref &cls, void *pointer) {
    auto *type = reinterpret_cast<PyTypeObject *>(cls.get());
    const epy_class *of = class_of(type);
    ref made(of == nullptr ? nullptr : type->tp_alloc(type, 0));
    if (!made) {
        return {};
    }
    if (of->retain != nullptr) {
        call_hook([=] { of->retain(pointer); });
    }
    ref present = present_wrapper(state, cls, pointer);
    if (present || PyErr_Occurred() != nullptr) {
        release(of, pointer);
        return present;
    }
    known_wrappers::keep(as_host_object(made.get()), pointer, of);
    return share_from_now_on(state, pointer) ? std::move(made) : ref();
}

ref wrapped(module_state &state, const ref &cls, void *pointer) {
    ref present = present_wrapper(state, cls, pointer);
    return present || PyErr_Occurred() != nullptr ? std::move(present)
                                                  : new_wrapper(state, cls, pointer);
}

} // namespace

PyType_Spec host_object_spec = {"epy._core.HostObject", sizeof(host_object), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
                                slots};

PyObject *describe_host_class(PyObject *, PyObject *name) {
    const char *text = PyUnicode_AsUTF8(name);
    if (text == nullptr && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError) != 0) {
        PyErr_Clear(); // no class is called so
    }
    const epy_class *found = text == nullptr || host == nullptr ? nullptr : host->find_class(text);
    if (found == nullptr) {
        return PyErr_Occurred() == nullptr ? Py_NewRef(Py_None) : nullptr;
    }
    const ref methods(PyList_New(0));
    for (const epy_method *one = found->methods; methods && one->c_prototype != nullptr; ++one) {
        const ref row(Py_BuildValue("(sNz)", one->c_prototype,
                                    PyLong_FromVoidPtr(reinterpret_cast<void *>(one->function)),
                                    one->name));
        if (!row || PyList_Append(methods.get(), row.get()) != 0) {
            return nullptr;
        }
    }
    const ref key(PyCapsule_New(const_cast<epy_class *>(found), key_name, nullptr));
    return methods && key ? PyTuple_Pack(2, methods.get(), key.get()) : nullptr;
}

PyObject *host_object_address(PyObject *module, PyObject *arguments) {
    PyObject *object = nullptr;
    PyObject *cls = nullptr;
    if (PyArg_ParseTuple(arguments, "OO!:host_object_address", &object, &PyType_Type, &cls) == 0) {
        return nullptr;
    }
    if (!is_of(state_of(module), object, cls)) {
        return PyErr_Occurred() == nullptr ? Py_NewRef(Py_None) : nullptr;
    }
    return get_address(object, nullptr);
}

PyObject *wrap_host_object(PyObject *module, PyObject *arguments) {
    PyObject *cls = nullptr;
    unsigned long long address = 0;
    if (PyArg_ParseTuple(arguments, "O!K:wrap_host_object", &PyType_Type, &cls, &address) == 0) {
        return nullptr;
    }
    if (state_of(module).interpreter != nullptr) {
        PyErr_SetString(PyExc_RuntimeError, "objects of the host's classes are for plugins, which "
                                            "run in the main interpreter");
        return nullptr;
    }
    return wrapped(state_of(module), ref::borrowed(cls), reinterpret_cast<void *>(address))
        .release();
}

namespace embed {

epy_object *wrap(const char *class_name, void *pointer) noexcept {
    return attached<epy_object *>("epy_wrap", nullptr, nullptr, [=](module_state &state) {
        const ref cls = class_named(class_name);
        return given_to_host(state, cls ? wrapped(state, cls, pointer) : ref());
    });
}

void *unwrap(const epy_object *object, const char *class_name) noexcept {
    return attached<void *>("epy_unwrap", nullptr, nullptr, [=](module_state &state) -> void * {
        const ref found = object_at(state, object);
        const ref cls = found ? class_named(class_name) : ref();
        if (!cls) {
            return nullptr;
        }
        if (!is_of(state, found.get(), cls.get())) {
            PyErr_Format(PyExc_TypeError, "expected the host's %s, got %s", class_name,
                         Py_TYPE(found.get())->tp_name);
            return nullptr;
        }
        return pointer_of(found.get());
    });
}

void share(void *pointer, bool is_shared) noexcept {
    if (!known_wrappers::share(pointer, is_shared)) {
        attached("epy_share", nullptr, false,
                 [=](module_state &state) { return make_strong(state, pointer); });
    }
}

void forget(void *pointer) noexcept { known_wrappers::forget(pointer); }

} // namespace embed

} // namespace epy
