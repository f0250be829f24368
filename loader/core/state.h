// Everything the core keeps per interpreter: the state of its module object.
#pragma once

#include <cstddef>
#include <iterator>

#include "loader/core/py.h"
#include "loader/core_api.h"

namespace epy {

class handle_table;
class sub_interpreter;
struct known_elements;
struct header_types;

struct module_state {
    std::size_t python = 0; // which of the process's, one after the other
    PyTypeObject *native_function_type = nullptr;
    PyTypeObject *callback_type = nullptr;
    PyTypeObject *plugin_type = nullptr;
    PyTypeObject *tail_call_type = nullptr;
    PyTypeObject *host_object_type = nullptr;
    PyTypeObject *memory_type = nullptr; // made with the first
    PyObject *reporter = nullptr;        // callable(callback, exception)
    PyObject *callback_maker = nullptr;  // callable(function type, callable) -> function pointer
    PyObject *plugins = nullptr;         // dict: loader's handle -> NativePlugin
    // Of ctypes, null until somebody needs it: see values/ctypes_library.h.
    PyObject *address_of = nullptr;           // ctypes.addressof
    PyObject *cast = nullptr;                 // ctypes.cast
    PyObject *void_pointer = nullptr;         // ctypes.c_void_p
    PyObject *size_of = nullptr;              // ctypes.sizeof
    PyTypeObject *by_reference = nullptr;     // the class of ctypes.byref(...)
    PyObject *aggregates = nullptr;           // (Structure, Union, Array)
    PyTypeObject *pointer = nullptr;          // base of POINTER(T)
    PyTypeObject *function_pointer = nullptr; // base of function types
    handle_table *handles = nullptr;
    known_elements *elements = nullptr;     // what views have found out about ctypes' types
    sub_interpreter *interpreter = nullptr; // null in the main one
    PyTypeObject *object_base = nullptr;    // epy.Object, from the first use of handles on
    PyTypeObject *handle_base = nullptr;    // `_host.objects._Handle`: a handle as a ctypes object
    PyObject *argument_error = nullptr;     // ctypes.ArgumentError
    header_types *headers = nullptr;        // once a plugin has one
    // Gives a struct or union of a header its fields: those that are only declared have no size.
    bool (*complete_if_struct)(const header_types &, PyObject *type) = nullptr;
    // What epy adds to ctypes once that is there. False with a Python exception.
    bool (*follow_ctypes)(const module_state &) = nullptr;
    PyObject *c_data = nullptr;         // base of every ctypes type
    PyObject *simple = nullptr;         // base of c_int and so on
    PyObject *character = nullptr;      // ctypes.c_char
    PyObject *wide_character = nullptr; // ctypes.c_wchar
    PyObject *array = nullptr;          // base of ctypes' arrays
    PyObject *type_name = nullptr;      // "_type_"
    PyObject *native_name = nullptr;    // "__ctype_le__"
    PyObject *restype_name = nullptr;   // "restype"
    PyObject *has_left_name = nullptr;  // "_has_left_"
};

// The references among these: what the collector visits, and what goes with the module.
inline constexpr PyTypeObject *module_state::*state_types[] = {
    &module_state::native_function_type, &module_state::callback_type, &module_state::plugin_type,
    &module_state::tail_call_type,       &module_state::by_reference,  &module_state::pointer,
    &module_state::function_pointer,     &module_state::object_base,   &module_state::handle_base,
    &module_state::host_object_type,     &module_state::memory_type,
};
inline constexpr PyObject *module_state::*state_objects[] = {
    &module_state::reporter,       &module_state::callback_maker, &module_state::plugins,
    &module_state::address_of,     &module_state::cast,           &module_state::void_pointer,
    &module_state::size_of,        &module_state::aggregates,     &module_state::argument_error,
    &module_state::c_data,         &module_state::simple,         &module_state::character,
    &module_state::wide_character, &module_state::array,          &module_state::type_name,
    &module_state::native_name,    &module_state::restype_name,   &module_state::has_left_name,
};
// Python's number, the handles, elements, interpreter, what headers have, how their structs are
// completed, and what follows ctypes.
inline constexpr std::size_t others_of_state = 7;
static_assert(sizeof(module_state) ==
              (std::size(state_types) + std::size(state_objects) + others_of_state) *
                  sizeof(void *));

extern PyModuleDef core_module;

module_state &state_of(PyObject *module);
module_state &state_of(PyTypeObject *type);

// That of the interpreter that plugins run in; null when there is none. Guarded by its GIL.
extern module_state *state_of_plugins;

extern const core_api the_core_api;
extern const embed_api the_embed_api;

} // namespace epy
