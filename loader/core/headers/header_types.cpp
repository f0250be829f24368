#include "loader/core/headers/header_types.h"

#include <memory>

#include "loader/core/headers/classes.h"
#include "loader/core/headers/held_pointer.h"
#include "loader/core/headers/kept_values.h"
#include "loader/core/headers/text.h"
#include "loader/core/owned_references.h"
#include "loader/core/package.h"
#include "loader/core/values/ctypes_library.h"

namespace epy {

namespace {

struct interned {
    PyObject *decltype(header_types::name)::*place;
    const char *text;
};

using names = decltype(header_types::name);

constexpr interned all_names[] = {
    {&names::address, "address"},
    {&names::checks, "_epy_checks_"},
    {&names::classes, "_epy_classes_"},
    {&names::code, "_epy_code_"},
    {&names::contents, "contents"},
    {&names::error_number, ctypes::error_number},
    {&names::function, "__func__"},
    {&names::functions, "_epy_functions_"},
    {&names::handle_type, "_handle_type_"},
    {&names::is_freed, ctypes::owns_memory},
    {&names::kind, "_epy_kind_"},
    {&names::length, ctypes::length},
    {&names::made, "_epy_made_"},
    {&names::members, "_epy_members_"},
    {&names::module, "__module__"},
    {&names::names, "_epy_names_"},
    {&names::object, ctypes::referred},
    {&names::places, "_epy_places_"},
    {&names::object_class, "_object_class_"},
    {&names::objects, ctypes::objects},
    {&names::self, "__self__"},
    {&names::star, "*"},
    {&names::types, "_epy_types_"},
    {&names::whole, ctypes::whole},
};

template <typename Owner> struct made_type {
    PyObject *Owner::*place;
    PyType_Spec *spec;
};

constexpr made_type<header_types> all_types[] = {
    {&header_types::fields, &fields_spec},
    {&header_types::classes, &classes_spec},
    {&header_types::kept, &kept_values_spec},
    {&header_types::stored_header, &stored_header_spec},
};

constexpr made_type<header_bases> all_bases[] = {
    {&header_bases::function_field, &function_field_spec},
    {&header_bases::held_pointer, &held_pointer_spec},
    {&header_bases::items, &items_spec},
    {&header_bases::pointer, &pointer_spec},
    {&header_bases::struct_pointer, &struct_pointer_spec},
    {&header_bases::text, &text_spec},
    {&header_bases::text_class, nullptr},   // which `text_class` makes
    {&header_bases::struct_class, nullptr}, // these two, `metaclass_of_structs`
    {&header_bases::union_class, nullptr},
};

bool find_in_ctypes(header_types &types) {
    const ref ctypes(PyImport_ImportModule("ctypes"));
    if (!ctypes) {
        return false;
    }
    types.character_pointer = PyObject_GetAttrString(ctypes.get(), "c_char_p");
    types.pointer_to = PyObject_GetAttrString(ctypes.get(), "pointer");
    types.size_of = PyObject_GetAttrString(ctypes.get(), "sizeof");
    types.native_contents =
        PyObject_GetAttr(reinterpret_cast<PyObject *>(types.core->pointer), types.name.contents);
    return types.character_pointer != nullptr && types.pointer_to != nullptr &&
           types.size_of != nullptr && types.native_contents != nullptr;
}

// class Function(_Function, CFuncPtr)
bool make_function_class(PyObject *module, header_types &types) {
    const ref base(PyType_FromModuleAndSpec(module, &function_spec, nullptr));
    auto *native = reinterpret_cast<PyObject *>(types.core->function_pointer);
    types.function =
        base ? PyObject_CallFunction(reinterpret_cast<PyObject *>(Py_TYPE(native)),
                                     "s(OO){s:i,s:O,s:y,s:s}", "Function", base.get(), native,
                                     ctypes::flags, ctypes::of_c, "_epy_error_", Py_None,
                                     "_epy_checks_", ".--", "__module__", "epy._core")
             : nullptr;
    return types.function != nullptr &&
           PyModule_AddObjectRef(module, "Function", types.function) == 0;
}

// A forked child has it anew: another thread of its parent may have held it.
bool make_lock(header_types &types) {
    const ref threads(PyImport_ImportModule("_thread"));
    const ref posix(PyImport_ImportModule("posix"));
    types.making = threads ? PyObject_CallMethod(threads.get(), "RLock", nullptr) : nullptr;
    const ref renew(types.making != nullptr
                        ? PyObject_GetAttrString(types.making, "_at_fork_reinit")
                        : nullptr);
    const ref registration(posix ? PyObject_GetAttrString(posix.get(), "register_at_fork")
                                 : nullptr);
    const ref nothing(PyTuple_New(0));
    const ref named(renew ? Py_BuildValue("{s:O}", "after_in_child", renew.get()) : nullptr);
    return registration && nothing && named &&
           ref(PyObject_Call(registration.get(), nothing.get(), named.get()));
}

bool find_simple_types(header_types &types) {
    types.simple_types = package::take(package::simple_types).release();
    return types.simple_types != nullptr;
}

bool fill(PyObject *module, header_types &types) {
    for (const interned &one : all_names) {
        types.name.*one.place = PyUnicode_InternFromString(one.text);
        if (types.name.*one.place == nullptr) {
            return false;
        }
    }
    for (const auto &one : all_types) {
        PyObject *type = PyType_FromModuleAndSpec(module, one.spec, nullptr);
        types.*one.place = type;
        if (type == nullptr ||
            PyModule_AddType(module, reinterpret_cast<PyTypeObject *>(type)) != 0) {
            return false;
        }
    }
    return find_in_ctypes(types) && make_function_class(module, types) && make_lock(types) &&
           find_simple_types(types);
}

} // namespace

const header_types &headers_of(PyTypeObject *type) {
    return *state_of(PyType_GetModuleByDef(type, &core_module)).headers;
}

PyObject *base_of(const header_types &types, PyObject *header_bases::*which) {
    PyObject *&place = types.bases->*which;
    for (const auto &one : all_bases) {
        if (place == nullptr && one.place == which) {
            place = PyType_FromModuleAndSpec(types.module, one.spec, nullptr);
        }
    }
    return place;
}

PyObject *prepare_headers(PyObject *module, PyObject *) {
    module_state &state = state_of(module);
    if (!find_ctypes(state)) {
        return nullptr;
    }
    if (state.headers == nullptr) {
        auto made = std::make_unique<header_types>();
        auto bases = std::make_unique<header_bases>();
        made->core = &state;
        made->module = module;
        made->bases = bases.get();
        if (!fill(module, *made)) {
            clear_headers(made.get());
            return nullptr;
        }
        state.headers = made.release();
        state.complete_if_struct = complete_if_struct;
        state.headers->bases = bases.release();
    }
    Py_RETURN_NONE;
}

int traverse_headers(header_types *types, visitproc visit, void *arg) {
    if (types == nullptr) {
        return 0;
    }
    const int result = owned_references<header_references>::traverse(*types, visit, arg);
    return result != 0 ? result
                       : owned_references<header_bases>::traverse(*types->bases, visit, arg);
}

void clear_headers(header_types *types) {
    if (types != nullptr) {
        owned_references<header_bases>::clear(*types->bases);
        owned_references<header_references>::clear(*types);
    }
}

void free_headers(header_types *types) {
    if (types != nullptr) {
        delete types->bases;
        delete types;
    }
}

} // namespace epy
