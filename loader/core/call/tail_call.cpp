#include "loader/core/call/tail_call.h"

#include <cstring>

#include "loader/core/call/convert.h"
#include "loader/core/call/scope.h"
#include "loader/core/guarded.h"
#include "loader/core/values/handles.h"

namespace epy {

namespace {

tail_call *as_tail_call(PyObject *object) { return reinterpret_cast<tail_call *>(object); }

bool read_arguments(const module_state &state, tail_call &self, PyObject *arguments) {
    const std::vector<parameter> &parameters = self.types->parameters;
    if (static_cast<std::size_t>(PyTuple_GET_SIZE(arguments)) != parameters.size()) {
        PyErr_SetString(PyExc_ValueError, "a tail call needs as many arguments as types");
        return false;
    }
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        if (parameters[i].offset >= EPY_FRAME_STACK || !parameters[i].form.in_one_register()) {
            PyErr_SetString(PyExc_ValueError,
                            "a tail call passes its arguments in registers: at most 6 integers or "
                            "pointers and 8 floating-point numbers");
            return false;
        }
        PyObject *value = PyTuple_GET_ITEM(arguments, static_cast<Py_ssize_t>(i));
        c_value converted;
        if (!from_python(state, parameters[i], value, running_plugin(state), converted)) {
            return false;
        }
        self.values[i] = converted.bits;
        if (is_handle(parameters[i].code) && PyList_Append(self.given, value) != 0) {
            return false;
        }
        if (converted.keep && PyList_Append(self.kept, converted.keep.get()) != 0) {
            return false;
        }
    }
    return true;
}

PyObject *make(PyTypeObject *type, PyObject *arguments, PyObject *) {
    unsigned long long address = 0;
    const char *codes = nullptr;
    PyObject *classes = nullptr;
    PyObject *values = nullptr;
    if (PyArg_ParseTuple(arguments, "KsO!O!:TailCall", &address, &codes, &PyTuple_Type, &classes,
                         &PyTuple_Type, &values) == 0) {
        return nullptr;
    }
    ref object(type->tp_alloc(type, 0));
    if (!object) {
        return nullptr;
    }
    tail_call &self = *as_tail_call(object.get());
    self.target = reinterpret_cast<void *>(address);
    self.types = new signature;
    self.kept = PyList_New(0);
    self.given = PyList_New(0);
    if (self.kept == nullptr || self.given == nullptr ||
        !self.types->parse(state_of(type), codes, classes)) {
        return nullptr;
    }
    self.values = new std::uint64_t[self.types->parameters.size()];
    return read_arguments(state_of(type), self, values) ? object.release() : nullptr;
}

int traverse(PyObject *object, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(as_tail_call(object)->kept);
    Py_VISIT(as_tail_call(object)->given);
    return 0;
}

int clear(PyObject *object) {
    Py_CLEAR(as_tail_call(object)->kept);
    Py_CLEAR(as_tail_call(object)->given);
    return 0;
}

// The host never got the handles.
void take_handles_back(handle_table &handles, const tail_call &self) {
    for (Py_ssize_t i = 0; self.given != nullptr && i < PyList_GET_SIZE(self.given); ++i) {
        if (handle_cell *cell = handles.of_object(PyList_GET_ITEM(self.given, i))) {
            handles.release(*cell);
        }
    }
    handles.collect();
}

void deallocate(PyObject *object) {
    tail_call *self = as_tail_call(object);
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    if (!self->is_taken) {
        take_handles_back(*state_of(type).handles, *self);
    }
    clear(object);
    delete self->types;
    delete[] self->values;
    type->tp_free(object);
    Py_DECREF(type);
}

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char *>("TailCall(address, signature, classes, arguments)\n--\n\n"
                                   "What a callback returns to be left for a C function.")},
    {Py_tp_new, slot<make>()},
    {Py_tp_traverse, reinterpret_cast<void *>(traverse)},
    {Py_tp_clear, slot<clear>()},
    {Py_tp_dealloc, reinterpret_cast<void *>(deallocate)},
    {0, nullptr},
};

} // namespace

PyType_Spec tail_call_spec = {"epy._core.TailCall", sizeof(tail_call), 0,
                              Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
                              slots};

const tail_call *take_tail_call(const module_state &state, PyObject *object) noexcept {
    if (!Py_IS_TYPE(object, state.tail_call_type)) {
        return nullptr;
    }
    as_tail_call(object)->is_taken = true;
    return as_tail_call(object);
}

void fill(const tail_call &call, frame &registers) noexcept {
    const std::uint64_t *value = call.values;
    for (const parameter &one : call.types->parameters) {
        std::memcpy(reinterpret_cast<std::byte *>(&registers) + one.offset, value++, sizeof *value);
    }
}

} // namespace epy
