#include "loader/core/embed/memory.h"

#include <cstddef>
#include <utility>

#include "loader/core/embed/attached.h"
#include "loader/core/embed/hooks.h"

namespace epy {

namespace {

struct memory_object {
    PyObject_HEAD Py_buffer bytes; // of `bytes.obj`, a Python object, or the host's
    bool writable;
    void (*release)(void *user);
    void *user;
};

memory_object *as_memory(PyObject *object) { return reinterpret_cast<memory_object *>(object); }

int get_buffer(PyObject *object, Py_buffer *view, int flags) {
    const memory_object *self = as_memory(object);
    return PyBuffer_FillInfo(view, object, self->bytes.buf, self->bytes.len, self->writable ? 0 : 1,
                             flags);
}

// There is no tp_clear: the bytes stay as long as the object does.
int traverse(PyObject *object, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(as_memory(object)->bytes.obj);
    return 0;
}

void deallocate(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    memory_object *self = as_memory(object);
    PyObject_GC_UnTrack(object);
    PyBuffer_Release(&self->bytes);
    if (self->release != nullptr) {
        const exception_set_aside callers;
        call_hook([self] { self->release(self->user); });
    }
    type->tp_free(object);
    Py_DECREF(type);
}

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char *>("Bytes of the host's, or for it.")},
    {Py_tp_traverse, reinterpret_cast<void *>(traverse)},
    {Py_tp_dealloc, reinterpret_cast<void *>(deallocate)},
    {Py_bf_getbuffer, reinterpret_cast<void *>(get_buffer)},
    {0, nullptr},
};

PyType_Spec memory_spec = {"epy._core.Memory", sizeof(memory_object), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
                               Py_TPFLAGS_DISALLOW_INSTANTIATION,
                           slots};

// Most plugins need none: the type is made with the first.
ref new_memory(module_state &state) {
    if (state.memory_type == nullptr) {
        state.memory_type = reinterpret_cast<PyTypeObject *>(
            PyType_FromModuleAndSpec(PyType_GetModule(state.callback_type), &memory_spec, nullptr));
    }
    return ref(state.memory_type == nullptr ? nullptr
                                            : state.memory_type->tp_alloc(state.memory_type, 0));
}

} // namespace

namespace embed {

epy_object *memory(void *address, std::size_t bytes, bool writable, void (*release)(void *),
                   void *user) noexcept {
    return attached<epy_object *>(
        "epy_memory", nullptr, nullptr, [=](module_state &state) -> epy_object * {
            if ((address == nullptr && bytes != 0) || bytes > PY_SSIZE_T_MAX) {
                PyErr_Format(PyExc_ValueError, "%zu bytes at %p are no memory", bytes, address);
                return nullptr;
            }
            static char nothing[1];
            const ref made = new_memory(state);
            if (!made) {
                return nullptr;
            }
            memory_object *self = as_memory(made.get());
            self->bytes.buf = address == nullptr ? nothing : address;
            self->bytes.len = static_cast<Py_ssize_t>(bytes);
            self->writable = writable;
            epy_object *given = given_to_host(state, ref(PyMemoryView_FromObject(made.get())));
            if (given != nullptr) { // else it stays the caller's
                self->release = release;
                self->user = user;
            }
            return given;
        });
}

epy_object *buffer(epy_object *object, bool writable, void **address, std::size_t *bytes) noexcept {
    return attached<epy_object *>(
        "epy_buffer", nullptr, nullptr, [=](module_state &state) -> epy_object * {
            const ref source = object_at(state, object);
            const ref made = source ? new_memory(state) : ref();
            if (!made) {
                return nullptr;
            }
            memory_object *self = as_memory(made.get());
            if (PyObject_GetBuffer(source.get(), &self->bytes,
                                   writable ? PyBUF_WRITABLE : PyBUF_SIMPLE) != 0) {
                return nullptr;
            }
            self->writable = writable;
            epy_object *given = given_to_host(state, ref::borrowed(made.get()));
            if (given != nullptr) {
                *address = self->bytes.buf;
                *bytes = static_cast<std::size_t>(self->bytes.len);
            }
            return given;
        });
}

} // namespace embed

} // namespace epy
