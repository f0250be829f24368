#include "stored.h"

#include <utility>

#include "../items.h"
#include "ctypes_objects.h"
#include "held_pointer.h"
#include "misfits.h"
#include "stored_parts.h"

namespace epy {

namespace {

constinit thread_local bool callbacks_last [[gnu::tls_model("initial-exec")]] = false;

// ---- function pointers

// The callback of this type for a callable: always the same, until unload.
ref kept_callback(const header_types &types, PyObject *kept, header_classes *classes,
                  PyObject *kind, PyObject *function) {
    ref owner;
    ref plain;
    if (!find_attribute(function, types.name.self, owner) ||
        !find_attribute(function, types.name.function, plain)) {
        return {};
    }
    // A bound method is a new object each time.
    const ref key(plain && owner ? Py_BuildValue("(ONN)", kind, PyLong_FromVoidPtr(owner.get()),
                                                 PyLong_FromVoidPtr(plain.get()))
                                 : Py_BuildValue("(ON)", kind, PyLong_FromVoidPtr(function)));
    if (!key) {
        return {};
    }
    PyObject *known = PyDict_GetItemWithError(kept, key.get());
    if (known != nullptr || PyErr_Occurred() != nullptr) {
        return ref::borrowed(known);
    }
    const ref made = make_callback(classes, kind, function);
    PyObject *first = made ? PyDict_SetDefault(kept, key.get(), made.get()) : nullptr;
    // Its id is its own as long as it is there.
    return first != nullptr && keep(kept, function) ? ref::borrowed(first) : ref();
}

} // namespace

lasting_callbacks::lasting_callbacks() noexcept : outer_(std::exchange(callbacks_last, true)) {}

lasting_callbacks::~lasting_callbacks() { callbacks_last = outer_; }

ref stored_function(const header_types &types, PyObject *ctype, PyObject *value, PyObject *kept,
                    header_classes *classes, PyObject *kind) {
    if (value == Py_None) {
        return ref(PyObject_CallNoArgs(ctype));
    }
    pointed there;
    const fit found = points_to_function(*types.core, value, there);
    if (found != fit::no) {
        return found == fit::yes ? pointer_object(types, ctype, std::move(there)) : ref();
    }
    if (PyCallable_Check(value) == 0) {
        return misfit();
    }
    if (classes == nullptr) { // it lives until unload
        return ref(PyObject_CallFunctionObjArgs(types.core->callback_maker, ctype, value, nullptr));
    }
    if (kept == nullptr && callbacks_last) {
        kept = classes->kept;
    }
    ref made = kept == nullptr ? make_callback(classes, kind, value)
                               : kept_callback(types, kept, classes, kind, value);
    if (!made || is_a(made.get(), ctype)) {
        return made;
    }
    return points_to_function(*types.core, made.get(), there) == fit::yes
               ? pointer_object(types, ctype, std::move(there))
               : ref();
}

bool converts_itself(const header_types &types, PyObject *ctype) {
    auto *type = reinterpret_cast<PyTypeObject *>(ctype);
    if (is_class_of(ctype, types.core->simple)) {
        return reinterpret_cast<PyObject *>(type->tp_base) != types.core->simple &&
               PyObject_HasAttr(ctype, types.name.members) == 0;
    }
    return PyDict_Contains(type->tp_dict, types.name.code) == 1;
}

namespace {

ref stored_function_of_class(const header_types &types, PyObject *ctype, PyObject *value,
                             PyObject *kept) {
    ref kind;
    if (!find_attribute(ctype, types.name.kind, kind)) {
        return {};
    }
    header_classes *classes = kind ? classes_of(types, ctype) : nullptr; // none: a type of a script
    return kind && classes == nullptr
               ? ref()
               : stored_function(types, ctype, value, kept, classes, kind.get());
}

ref converted(const header_types &types, PyObject *ctype, PyObject *value, PyObject *kept) {
    const module_state &core = *types.core;
    if (is_a(value, ctype)) {
        return ref::borrowed(value);
    }
    if (converts_itself(types, ctype)) {
        return ref(PyObject_CallOneArg(ctype, value));
    }
    if (is_class_of(ctype, core.simple)) {
        return stored_simple(types, ctype, value, kept);
    }
    if (is_class_of(ctype, reinterpret_cast<PyObject *>(core.function_pointer))) {
        return stored_function_of_class(types, ctype, value, kept);
    }
    if (is_class_of(ctype, reinterpret_cast<PyObject *>(core.pointer))) {
        return stored_pointer(types, ctype, value, kept);
    }
    return is_class_of(ctype, core.array) ? stored_array(types, ctype, value, kept)
                                          : stored_record(ctype, value);
}

} // namespace

ref stored(const header_types &types, PyObject *ctype, PyObject *value, PyObject *kept) {
    if (PyType_Check(ctype) == 0) {
        return misfit();
    }
    ref made = converted(types, ctype, value, kept);
    if (made && kept != nullptr && is_a(made.get(), types.core->c_data)) {
        const ref needed(PyObject_GetAttr(made.get(), types.name.objects));
        const int is_needed = needed ? PyObject_IsTrue(needed.get()) : -1;
        if (is_needed < 0 || (is_needed > 0 && !keep(kept, made.get()))) {
            return {};
        }
    }
    return made;
}

// An object of the type that holds the value.
PyObject *instance(PyObject *module, PyObject *arguments) {
    PyObject *ctype = nullptr;
    PyObject *value = nullptr;
    if (PyArg_ParseTuple(arguments, "O!O:instance", &PyType_Type, &ctype, &value) == 0) {
        return nullptr;
    }
    const ref prepared(prepare_headers(module, nullptr));
    if (!prepared) {
        return nullptr;
    }
    const header_types &types = *state_of(module).headers;
    ref made = stored(types, ctype, value, nullptr);
    if (made && is_a(made.get(), ctype)) { // a simple pointer that its script may assign to
        return is_class_of(ctype, types.core->simple) && made.get() != value
                   ? cast(types, made.get(), ctype).release()
                   : made.release();
    }
    if (!made) {
        return nullptr;
    }
    return is_class_of(ctype, types.core->array)
               ? PyObject_CallMethod(ctype, "from_buffer_copy", "O", made.get())
               : PyObject_CallOneArg(ctype, made.get());
}

} // namespace epy
