// What the core takes of the package's Python files. No other file of the core names their modules.
#pragma once

#include <cstdarg>
#include <initializer_list>

#include "loader/core/py.h"

namespace epy::package {

// Something in a module. Tests look whether each is there.
struct name {
    const char *module;
    const char *attribute;
};

inline constexpr name start{"epy._start", "start"};
inline constexpr name standard_path{"epy._start", "standard_path"};
inline constexpr name executable{"epy._start", "executable"};
inline constexpr name is_chosen{"epy._start", "is_chosen"};
inline constexpr name is_taken_over{"epy._start", "taken_over"};
inline constexpr name load{"epy._plugin", "load"};
inline constexpr name unload{"epy._plugin", "unload"};
inline constexpr name leave_process{"epy._plugin", "leave_process"};
inline constexpr name join_threads{"epy._plugin", "join_threads"};
inline constexpr name follow_end{"epy._plugin", "follow_end"};
inline constexpr name reserve_loading{"epy._loading", "reserve"};
inline constexpr name release_loading{"epy._loading", "release"};
inline constexpr name awaited{"epy._running.waits", "awaited"};
inline constexpr name import_plugin{"epy._running.importing", "execute"};
inline constexpr name take_over{"epy._running.takeover", "take_over"};

inline constexpr name misfit_error{"epy._errors", "MisfitError"};
inline constexpr name range_error{"epy._errors", "RangeError"};
inline constexpr name format_exception{"epy._report", "format_exception"};
inline constexpr name host_class{"epy._host.host_classes", "host_class"};
inline constexpr name unloaded_error{"epy._errors", "UnloadedError"};
inline constexpr name find_function{"epy._host.embedding", "find"};
inline constexpr name list_exports{"epy._host.embedding", "exports"};
inline constexpr name new_callback{"epy._host.made_callbacks", "new_callback"};
inline constexpr name new_callback_here{"epy._host.made_callbacks", "new_callback_here"};
inline constexpr name keep_alive{"epy._host.embedding", "keep_alive"};
inline constexpr name find_exception{"epy._host.embedding", "exception_class"};

inline constexpr name fits_but_for_a_reload{"epy._host.objects", "fits_but_for_a_reload"};
inline constexpr name handle_error{"epy._errors", "InvalidHandleError"};
inline constexpr name view_error{"epy._errors", "ViewError"};
inline constexpr name field_error{"epy._errors", "FieldError"};
inline constexpr name header_name_error{"epy._errors", "HeaderNameError"};
inline constexpr name untrusted_file_error{"epy._errors", "UntrustedFileError"};

inline constexpr name as_ctypes{"epy._instances", "as_ctypes"};
inline constexpr name declare{"epy._c.spelling", "declare"};
inline constexpr name describe_items{"epy._host.formats", "describe"};
inline constexpr name simple_types{"epy._types", "simple_types"};
inline constexpr name field_callback{"epy._instances", "field_callback"};
inline constexpr name add_special_fields{"epy._headers.special_fields", "add"};
inline constexpr name members_of_enum{"epy._headers.enums", "members_of"};
inline constexpr name enumerated{"epy._headers.enums", "enumerated"};
inline constexpr name enum_pointer_item{"epy._headers.enums", "pointer_item"};
inline constexpr name enum_array_item{"epy._headers.enums", "array_item"};

// Exceptions for what does not fit a type of a header: each is made by a function.
inline constexpr name argument_error{"epy._headers.misfits", "argument_error"};
inline constexpr name misfit_of_field{"epy._headers.misfits", "field_error"};
inline constexpr name unknown_field{"epy._headers.misfits", "unknown_field"};
inline constexpr name too_many_values{"epy._headers.misfits", "too_many_values"};
inline constexpr name given_twice{"epy._headers.misfits", "given_twice"};
inline constexpr name argument_misfit{"epy._headers.misfits", "argument_misfit"};
inline constexpr name argument_refused{"epy._headers.misfits", "argument_refused"};
inline constexpr name argument_count{"epy._headers.misfits", "argument_count"};
inline constexpr name out{"epy._headers.out", "Out"};
inline constexpr name call_with_out{"epy._headers.out", "call_with_out"};
inline constexpr name check_by_value{"epy._headers.by_value", "check_by_value"};
inline constexpr name item_error{"epy._headers.misfits", "item_error"};

// As PyImport_ImportModule, which runs through the import system also for a module that is there.
ref import(const char *module);
// The object, its module imported first. Each is empty with a Python exception.
ref take(const name &);
// The same, but empty without an exception if the module has not been imported.
ref take_if_imported(const name &);
ref call(const name &, std::initializer_list<PyObject *> arguments);

// Raises the exception of that class, with the text of PyErr_Format.
void raise(const name &, const char *format, std::va_list arguments);

} // namespace epy::package
