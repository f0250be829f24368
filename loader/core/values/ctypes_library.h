// What the core takes of ctypes.
//
// Most scripts never use it, and to import it takes as long as half of Python's start: so it is
// imported when a value or a type needs it, and before that no object can be one of its.
#pragma once

#include <ffi.h>

#include "loader/core/state.h"

namespace epy {

// The names that the core looks up in classes: when the module is made.
bool intern_names(module_state &);

// From here on what `module_state` has of ctypes is there. False with a Python exception if it
// cannot be imported.
bool find_ctypes(const module_state &);

// The same if somebody has imported it: what is given may be one of its objects. False with a
// Python exception; `has_ctypes` says whether it is there.
bool find_ctypes_if_imported(const module_state &);

inline bool has_ctypes(const module_state &state) { return state.aggregates != nullptr; }

// The class of pointers to a class that `ctypes.POINTER` gives, empty if nobody has asked for it.
// False with a Python exception.
bool find_pointer_class(PyObject *target, ref &found);

// It gives this one from now on. False with a Python exception.
bool keep_pointer_class(PyObject *target, PyObject *pointers);

// How ctypes describes classes and objects, and what it keeps for itself: only here by name.
namespace ctypes {

inline constexpr char argument_types[] = "_argtypes_"; // of function types
inline constexpr char result_type[] = "_restype_";
inline constexpr char result_check[] = "_errcheck_";
inline constexpr char pointer_class[] = "__pointer_type__";      // of classes, since 3.14
inline constexpr char pointer_classes[] = "_pointer_type_cache"; // a dictionary of those, before
inline constexpr char flags[] = "_flags_";
inline constexpr char item_type[] = "_type_"; // of pointers and arrays; of simple types their code
inline constexpr char length[] = "_length_";  // of arrays
inline constexpr char fields[] = "_fields_";  // of structs and unions
inline constexpr char pack[] = "_pack_";
inline constexpr char native_order[] = "__ctype_le__"; // of simple types
inline constexpr char objects[] = "_objects";          // of objects: what they keep
inline constexpr char whole[] = "_b_base_";            // that they are a part of
inline constexpr char owns_memory[] = "_b_needsfree_";
inline constexpr char referred[] = "_obj";                    // of what byref() gives
inline constexpr char error_number[] = "ctypes.error_object"; // in a thread's dictionary
inline constexpr char as_parameter[] = "_as_parameter_";

// Bits of the flags: FUNCFLAG_CDECL, FUNCFLAG_PYTHONAPI, FUNCFLAG_USE_ERRNO.
inline constexpr int of_c = 1;
inline constexpr int keeps_gil = 4;
inline constexpr int keeps_errno = 8;

// Whether nobody has set anything on an object of ctypes: an attribute, what it keeps, a weak
// reference to it.
bool has_nothing_of_its_own(PyObject *object);

// Whether it is the code that ctypes has made for a callable: what a struct keeps of a function.
bool is_thunk(PyObject *object);

// What `ctypes.get_errno()` gives on this thread; null, without an exception, if nobody has asked
// for it here. `name` is the str of `error_number`.
int *error_number_of_thread(PyObject *name);

// What stands in the place of a class's `__dict__`: `StgDictObject` of CPython 3.11 and 3.12.
struct type_details {
    PyDictObject dict;
    Py_ssize_t size;
    Py_ssize_t align;
    Py_ssize_t length;
    ffi_type form;
    PyObject *item_type;
    void *set;
    void *get;
    void *pass;
    PyObject *argument_types;
    PyObject *converters;
    PyObject *result_type;
    PyObject *checker;
    int flags;
    char *format;
    int dimensions;
    Py_ssize_t *shape;
};

// `DictRemoverObject`: called when the class dies that one entry of the dictionary is for.
struct entry_remover {
    PyObject_HEAD PyObject *key;
    PyObject *dict;
};
inline constexpr char name_of_entry_remover[] = "_ctypes.DictRemover";

} // namespace ctypes

} // namespace epy
