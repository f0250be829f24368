#include "loader/core/headers/stored.h"

#include <utility>

#include "loader/core/attribute.h"
#include "loader/core/cpython.h"
#include "loader/core/headers/ctypes_objects.h"
#include "loader/core/headers/held_pointer.h"
#include "loader/core/headers/misfits.h"
#include "loader/core/headers/stored_parts.h"
#include "loader/core/values/items.h"

namespace epy {

namespace {

constinit thread_local bool callbacks_last [[gnu::tls_model("initial-exec")]] = false;

// The callback for a callable: of its own, or the one that is kept.
ref callback_for(const header_types &types, PyObject *value, storing &where,
                 header_classes *classes, PyObject *kind) {
    if (where.kept != nullptr) {
        return kept_callback(types, classes, kind, value, where);
    }
    storing argument{as_kept(classes->kept), true, true};
    return callbacks_last ? kept_callback(types, classes, kind, value, argument)
                          : make_callback(classes, kind, value);
}

ref function_pointer(const header_types &types, PyObject *ctype, PyObject *value, storing &where,
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
    ref made = callback_for(types, value, where, classes, kind);
    if (!made || is_a(made.get(), ctype)) {
        return made;
    }
    return points_to_function(*types.core, made.get(), there) == fit::yes
               ? pointer_object(types, ctype, std::move(there))
               : ref();
}

// Says what a stored object needs, if nobody has.
ref noted(const header_types &types, ref made, storing &where) {
    const bool is_kept = where.kept == nullptr || where.is_part || where.needs;
    if (!made || is_kept || !is_a(made.get(), types.core->c_data)) {
        return made;
    }
    ref all = with_targets(made.get());
    const ref whole(PyObject_GetAttr(made.get(), types.name.whole)); // a part keeps all of it
    if (!all || !whole) {
        return {};
    }
    if (PyTuple_Check(all.get()) || whole.get() != Py_None) {
        where.needs = std::move(all);
    }
    return made;
}

} // namespace

lasting_callbacks::lasting_callbacks() noexcept : outer_(std::exchange(callbacks_last, true)) {}

lasting_callbacks::~lasting_callbacks() { callbacks_last = outer_; }

ref stored_function(const header_types &types, PyObject *ctype, PyObject *value, storing &where,
                    header_classes *classes, PyObject *kind) {
    return noted(types, function_pointer(types, ctype, value, where, classes, kind), where);
}

bool converts_itself(const header_types &types, PyObject *ctype) {
    auto *type = reinterpret_cast<PyTypeObject *>(ctype);
    if (is_class_of(ctype, types.core->simple)) {
        return reinterpret_cast<PyObject *>(type->tp_base) != types.core->simple &&
               PyObject_HasAttr(ctype, types.name.members) == 0;
    }
    return PyDict_Contains(cpython::dict_of_type(ctype).get(), types.name.code) == 1;
}

namespace {

ref stored_function_of_class(const header_types &types, PyObject *ctype, PyObject *value,
                             storing &where) {
    ref kind;
    if (!find_attribute(ctype, types.name.kind, kind)) {
        return {};
    }
    header_classes *classes = kind ? classes_of(types, ctype) : nullptr; // none: a type of a script
    return kind && classes == nullptr
               ? ref()
               : stored_function(types, ctype, value, where, classes, kind.get());
}

ref converted(const header_types &types, PyObject *ctype, PyObject *value, storing &where) {
    const module_state &core = *types.core;
    if (is_a(value, ctype)) {
        return ref::borrowed(value);
    }
    if (converts_itself(types, ctype)) {
        return ref(PyObject_CallOneArg(ctype, value));
    }
    if (is_class_of(ctype, core.simple)) {
        return stored_simple(types, ctype, value, where);
    }
    if (is_class_of(ctype, reinterpret_cast<PyObject *>(core.function_pointer))) {
        return stored_function_of_class(types, ctype, value, where);
    }
    if (is_class_of(ctype, reinterpret_cast<PyObject *>(core.pointer))) {
        return stored_pointer(types, ctype, value, where);
    }
    return is_class_of(ctype, core.array) ? stored_array(types, ctype, value, where)
                                          : stored_struct(ctype, value);
}

} // namespace

ref stored(const header_types &types, PyObject *ctype, PyObject *value, storing &where) {
    if (PyType_Check(ctype) == 0) {
        return misfit();
    }
    return noted(types, converted(types, ctype, value, where), where);
}

ref stored(const header_types &types, PyObject *ctype, PyObject *value) {
    storing in_python;
    return stored(types, ctype, value, in_python);
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
    ref made = stored(types, ctype, value);
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
