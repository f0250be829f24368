// Everything the core keeps per interpreter: the state of its module object.
#pragma once

#include <cstddef>

#include "loader/core/py.h"
#include "loader/core_api.h"

namespace epy {

class handle_table;
class sub_interpreter;
struct known_elements;
struct header_types;

// Those of the state: what the collector visits, and what goes with the module.
struct module_references {
    PyTypeObject *native_function_type;
    PyTypeObject *callback_type;
    PyTypeObject *plugin_type;
    PyTypeObject *tail_call_type;
    PyTypeObject *host_object_type;
    PyTypeObject *memory_type; // made with the first
    PyObject *reporter;        // callable(callback, exception)
    PyObject *callback_maker;  // callable(function type, callable) -> function pointer
    PyObject *plugins;         // dict: loader's handle -> NativePlugin
    PyTypeObject *object_base; // epy.Object, from the first use of handles on
    PyTypeObject *handle_base; // `_host.objects._Handle`: a handle as a ctypes object
    // Of ctypes, null until somebody needs it: see values/ctypes_library.h.
    PyObject *address_of;           // ctypes.addressof
    PyObject *cast;                 // ctypes.cast
    PyObject *void_pointer;         // ctypes.c_void_p
    PyObject *size_of;              // ctypes.sizeof
    PyTypeObject *by_reference;     // the class of ctypes.byref(...)
    PyObject *aggregates;           // (Structure, Union, Array)
    PyTypeObject *pointer;          // base of POINTER(T)
    PyTypeObject *function_pointer; // base of function types
    PyObject *argument_error;       // ctypes.ArgumentError
    PyObject *c_data;               // base of every ctypes type
    PyObject *simple;               // base of c_int and so on
    PyObject *character;            // ctypes.c_char
    PyObject *wide_character;       // ctypes.c_wchar
    PyObject *array;                // base of ctypes' arrays
    PyObject *type_name;            // "_type_"
    PyObject *native_name;          // "__ctype_le__"
    PyObject *restype_name;         // "restype"
    PyObject *has_left_name;        // "_has_left_"
};

// All zero to begin with.
struct module_state : module_references {
    std::size_t python; // which of the process's, one after the other
    handle_table *handles;
    known_elements *elements;     // what views have found out about ctypes' types
    sub_interpreter *interpreter; // null in the main one
    header_types *headers;        // once a plugin has one
    // Gives a struct or union of a header its fields: those that are only declared have no size.
    bool (*complete_if_struct)(const header_types &, PyObject *type);
    // What epy adds to ctypes once that is there. False with a Python exception.
    bool (*follow_ctypes)(const module_state &);
};

extern PyModuleDef core_module;

module_state &state_of(PyObject *module);
module_state &state_of(PyTypeObject *type);

// That of the interpreter that plugins run in; null when there is none. Guarded by its GIL.
extern module_state *state_of_plugins;

extern const core_api the_core_api;
extern const embed_api the_embed_api;

} // namespace epy
