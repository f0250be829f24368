#include "loader/core/plugin/native_plugin.h"

#include <structmember.h>

#include <cstddef>
#include <utility>

#include "loader/core/call/callback.h"
#include "loader/core/guarded.h"
#include "loader/core/plugin/plain_exports.h"

namespace epy {

namespace {

struct native_plugin {
    PyObject_HEAD plugin_view view;
    PyObject *path;
    PyObject *script;
    PyObject *archive;
    Py_ssize_t archive_size;
    std::uintptr_t base; // of the image
    extent data;         // that it exports
    std::uintptr_t trampolines;
    plain_exports *start; // while the script runs
    PyObject *weak_references;
};

native_plugin *as_plugin(PyObject *object) { return reinterpret_cast<native_plugin *>(object); }

PyObject *outcome_of(published outcome) {
    switch (outcome) {
    case published::done:
        Py_RETURN_NONE;
    case published::no_memory:
        return PyErr_NoMemory();
    case published::plugin_is_dead:
        break;
    }
    PyErr_SetString(PyExc_RuntimeError, "the plugin is unloaded");
    return nullptr;
}

void deallocate(PyObject *object) {
    native_plugin *self = as_plugin(object);
    PyTypeObject *type = Py_TYPE(object);
    if (self->weak_references != nullptr) {
        PyObject_ClearWeakRefs(object);
    }
    Py_CLEAR(self->path);
    Py_CLEAR(self->script);
    Py_CLEAR(self->archive);
    delete self->start;
    if (self->view.services != nullptr) {
        self->view.services->release(self->view.handle);
    }
    type->tp_free(object);
    Py_DECREF(type);
}

PyObject *trampoline(PyObject *object, PyObject *argument) {
    const native_plugin *self = as_plugin(object);
    const unsigned long index = PyLong_AsUnsignedLong(argument);
    if (PyErr_Occurred() != nullptr) {
        return nullptr;
    }
    if (index >= EPY_SLOT_CAPACITY) {
        PyErr_Format(PyExc_IndexError, "a plugin has %d slots", EPY_SLOT_CAPACITY);
        return nullptr;
    }
    return PyLong_FromUnsignedLongLong(self->trampolines + index * EPY_TRAMPOLINE_SIZE);
}

PyObject *publish(PyObject *object, PyObject *arguments) {
    const native_plugin *self = as_plugin(object);
    unsigned index = 0;
    PyObject *target = nullptr;
    if (PyArg_ParseTuple(arguments, "IO:publish", &index, &target) == 0) {
        return nullptr;
    }
    if (PyLong_Check(target)) {
        void *address = PyLong_AsVoidPtr(target);
        if (PyErr_Occurred() != nullptr) {
            return nullptr;
        }
        return outcome_of(self->view.services->publish_address(self->view.handle, index, address));
    }
    const call_record *native = record_of(state_of(Py_TYPE(object)), target);
    if (native == nullptr) {
        return nullptr;
    }
    return outcome_of(self->view.services->publish(self->view.handle, index, &native->head));
}

PyObject *begin_start(PyObject *object, PyObject *arguments) {
    return begin_plain_exports(exports_of_start(object), arguments);
}

PyObject *end_start(PyObject *object, PyObject *) {
    const plain_exports ended = std::exchange(exports_of_start(object), {});
    Py_RETURN_NONE;
}

PyObject *take_slot(PyObject *object, PyObject *name) {
    const native_plugin *self = as_plugin(object);
    const char *text = PyUnicode_AsUTF8(name);
    if (text == nullptr) {
        return nullptr;
    }
    const int index = self->view.services->take_slot(self->view.handle, text);
    if (index == -2) {
        return PyErr_NoMemory();
    }
    if (index < 0) {
        PyErr_Format(
            PyExc_RuntimeError,
            "all %d slots of the plugin are taken; export fewer names, or split the script "
            "into two plugins",
            EPY_SLOT_CAPACITY);
        return nullptr;
    }
    return PyLong_FromLong(index);
}

bool append(PyObject *object, const char *name, int index, void **address, std::uint64_t size) {
    const native_plugin *self = as_plugin(object);
    const char *problem =
        self->view.services->append_name(self->view.handle, name, index, address, size);
    if (problem != nullptr) {
        PyErr_Format(PyExc_RuntimeError, "cannot export '%s': %s", name, problem);
    }
    return problem == nullptr;
}

PyObject *append_function(PyObject *object, PyObject *arguments) {
    const char *name = nullptr;
    int index = 0;
    if (PyArg_ParseTuple(arguments, "si:append_function", &name, &index) == 0) {
        return nullptr;
    }
    return append(object, name, index, nullptr, 0) ? Py_NewRef(Py_None) : nullptr;
}

PyObject *append_data(PyObject *object, PyObject *arguments) {
    const char *name = nullptr;
    unsigned long long address = 0;
    unsigned long long size = 0;
    if (PyArg_ParseTuple(arguments, "sKK:append_data", &name, &address, &size) == 0) {
        return nullptr;
    }
    auto *place = reinterpret_cast<void *>(address);
    return append(object, name, -1, &place, size) ? PyLong_FromVoidPtr(place) : nullptr;
}

PyObject *next_function(PyObject *object, PyObject *name) {
    const native_plugin *self = as_plugin(object);
    const char *text = PyUnicode_AsUTF8(name);
    if (text == nullptr) {
        return nullptr;
    }
    return PyLong_FromVoidPtr(self->view.services->next_function(self->view.handle, text));
}

// The data that the plugin exports. As long as somebody has a view of it the image stays mapped.
int get_buffer(PyObject *object, Py_buffer *buffer, int flags) {
    const native_plugin *self = as_plugin(object);
    return PyBuffer_FillInfo(buffer, object,
                             reinterpret_cast<void *>(self->base + self->data.address),
                             static_cast<Py_ssize_t>(self->data.size), 0, flags);
}

PyObject *exported_data(PyObject *object, PyObject *arguments) {
    const native_plugin *self = as_plugin(object);
    const char *name = nullptr;
    unsigned long long address = 0;
    unsigned long long size = 0;
    if (PyArg_ParseTuple(arguments, "sKK:exported_data", &name, &address, &size) == 0) {
        return nullptr;
    }
    const std::uint64_t distance = address - self->data.address;
    if (address < self->data.address || distance > self->data.size ||
        size > self->data.size - distance) {
        PyErr_Format(PyExc_ValueError, "'%s' is not among the plugin's data; build it again", name);
        return nullptr;
    }
    void *original = reinterpret_cast<void *>(self->base + address);
    void *place = self->view.services->data_address(self->view.handle, name, original);
    if (place != original) { // in the executable, which stays
        return PyMemoryView_FromMemory(static_cast<char *>(place), static_cast<Py_ssize_t>(size),
                                       PyBUF_WRITE);
    }
    const ref all(PyMemoryView_FromObject(object));
    const auto begin = static_cast<Py_ssize_t>(distance);
    return all ? PySequence_GetSlice(all.get(), begin, begin + static_cast<Py_ssize_t>(size))
               : nullptr;
}

PyObject *read_archive(PyObject *object, PyObject *arguments) {
    const native_plugin *self = as_plugin(object);
    Py_ssize_t begin = 0;
    Py_ssize_t end = 0;
    if (PyArg_ParseTuple(arguments, "nn:read_archive", &begin, &end) == 0) {
        return nullptr;
    }
    if (begin < 0 || end < begin || end > self->archive_size) {
        PyErr_SetString(PyExc_ValueError, "read_archive: these bytes are not in the archive");
        return nullptr;
    }
    ref read(PyBytes_FromStringAndSize(nullptr, end - begin));
    if (read && !self->view.services->read_archive(
                    self->view.handle, static_cast<std::uint64_t>(begin),
                    PyBytes_AS_STRING(read.get()), static_cast<std::size_t>(end - begin))) {
        Py_RETURN_NONE;
    }
    return read.release();
}

// To read nothing tells it too.
PyObject *is_loaded(PyObject *object, void *) {
    const native_plugin *self = as_plugin(object);
    return PyBool_FromLong(self->view.services->read_archive(self->view.handle, 0, nullptr, 0) ? 1
                                                                                               : 0);
}

PyMethodDef methods[] = {
    {"read_archive", guarded<read_archive>, METH_VARARGS,
     "read_archive(begin, end) -> bytes of what epy build stored; None after the unload."},
    {"trampoline", guarded<trampoline>, METH_O,
     "trampoline(index) -> the address that the host calls."},
    {"publish", guarded<publish>, METH_VARARGS, "publish(index, callback or address)."},
    {"begin_start", guarded<begin_start>, METH_VARARGS,
     "begin_start(rows of functions, names of their fields, what the script offers): it runs."},
    {"end_start", guarded<end_start>, METH_NOARGS, "end_start(): it has run."},
    {"take_slot", guarded<take_slot>, METH_O,
     "take_slot(name) -> the index of a fresh slot, or of the one that the name has."},
    {"append_function", guarded<append_function>, METH_VARARGS, "append_function(name, index)."},
    {"append_data", guarded<append_data>, METH_VARARGS,
     "append_data(name, address, size) -> where the name leads."},
    {"next_function", guarded<next_function>, METH_O, "next_function(name) -> an address, or 0."},
    {"exported_data", guarded<exported_data>, METH_VARARGS,
     "exported_data(name, address in the file, size) -> a view of the memory that the host uses."},
    {},
};

PyMemberDef members[] = {
    {"path", T_OBJECT, offsetof(native_plugin, path), READONLY, "The plugin's file."},
    {"script", T_OBJECT, offsetof(native_plugin, script), READONLY,
     "Of a bare plugin: the script beside it, otherwise None."},
    {"inside_dlopen", T_BOOL, offsetof(native_plugin, view) + offsetof(plugin_view, inside_dlopen),
     READONLY, "The script starts while this thread holds the dynamic loader's lock."},
    {"archive", T_OBJECT, offsetof(native_plugin, archive), READONLY,
     "What epy build stored, while the plugin starts."},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(native_plugin, weak_references), READONLY, nullptr},
    {},
};

PyGetSetDef properties[] = {
    {"loaded", is_loaded, nullptr, "Whether the host has it: false from its dlclose on.", nullptr},
    {},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char *>("A loaded plugin. Made by the loader.")},
    {Py_tp_dealloc, reinterpret_cast<void *>(deallocate)},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_getset, properties},
    {Py_bf_getbuffer, slot<get_buffer>()},
    {0, nullptr},
};

// Contract 1 did not say where exported data lie: between the records and the archive.
extent data_of(const stub_info &info) {
    return info.contract >= first_with_checksums
               ? info.data
               : extent{info.records.address, info.archive.address - info.records.address};
}

} // namespace

PyType_Spec native_plugin_spec = {
    "epy._core.NativePlugin", sizeof(native_plugin), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE, slots};

PyObject *new_native_plugin(module_state &state, const plugin_view &view) {
    PyObject *object = state.plugin_type->tp_alloc(state.plugin_type, 0);
    if (object == nullptr) {
        view.services->release(view.handle);
        return nullptr;
    }
    native_plugin *self = as_plugin(object);
    ref owner(object);
    self->view = view; // first: without memory for the rest, its end gives the reference back
    self->start = new plain_exports;
    const stub_info &info = *view.info;
    self->data = data_of(info);
    self->base = reinterpret_cast<std::uintptr_t>(&info) - info.self;
    self->trampolines = self->base + info.trampolines.address;
    self->path = PyUnicode_DecodeFSDefault(view.path);
    self->script =
        view.script == nullptr ? Py_NewRef(Py_None) : PyUnicode_DecodeFSDefault(view.script);
    static char nothing[1];
    const bool stored = info.archive.address != 0;
    self->archive_size = stored ? static_cast<Py_ssize_t>(info.archive.size) : 0;
    self->archive = PyMemoryView_FromMemory(
        stored ? reinterpret_cast<char *>(self->base + info.archive.address) : nothing,
        self->archive_size, PyBUF_READ);
    if (self->path == nullptr || self->script == nullptr || self->archive == nullptr) {
        return nullptr;
    }
    return owner.release();
}

bool publish_callback(PyObject *object, unsigned index, const call_record &native) {
    const plugin_view &view = as_plugin(object)->view;
    const ref done(outcome_of(view.services->publish(view.handle, index, &native.head)));
    return done.get() != nullptr;
}

plain_exports &exports_of_start(PyObject *object) noexcept { return *as_plugin(object)->start; }

void close_archive(PyObject *object) {
    const ref done(PyObject_CallMethod(as_plugin(object)->archive, "release", nullptr));
    if (!done) {
        PyErr_WriteUnraisable(object);
    }
}

} // namespace epy
