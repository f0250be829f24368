// What the core relies on of each CPython beyond its documented C API: every item says where
// CPython's source has it. A new CPython is a walk through these places. call/known_ints.h tries in
// the running one what is read and written without a function. Long because it is to be one file.
//
// What takes an internal header, or one file alone needs, stands there:
//
//   call/view.cpp: the flag `released` of a _PyManagedBufferObject (Objects/memoryobject.c)
//   host/kept_gil.cpp: `_flags_`, FUNCFLAG_PYTHONAPI (Modules/_ctypes/ctypes.h)
//   values/item_kinds.cpp: ctypes' codes of types, new since 3.15 (Modules/_ctypes/cfield.c)
//   plugin/type_references.cpp: what classes of ctypes hide (Modules/_ctypes/stgdict.c)
//   plugin/last_functions.c: how far Py_FinalizeEx is, in _PyRuntime (Python/pylifecycle.c)
//   plugin/preconfiguration.c: `preinitialized` and the like in _PyRuntime (Python/pylifecycle.c)
//   plugin/settings.cpp, takeover.cpp: _Py(Pre)Config_InitCompatConfig (Python/(pre|init)config.c)
//   plugin/first_initialization.cpp: Py_GetPythonHome, in no header of 3.15 (Python/pathconfig.c)
//   thread/main_thread.c: `main_thread` in _PyRuntime (Python/pystate.c)
//   thread/own_gil.c: whether an own lock is taken, `ceval.gil` of a state (Python/ceval_gil.c)
//   loader/current_state.h: 3.11's current state, in _PyRuntime.gilstate (Python/pystate.c)
#pragma once

#include <cstddef>
#include <cstdint>

#include "loader/core/py.h"
#include "loader/current_state.h"

#if PY_VERSION_HEX < 0x030c0000
// Python/pystate.c; pycore_pystate.h has it for extensions of Python's own alone.
extern "C" void
_PyThreadState_SetCurrent(PyThreadState *); // NOLINT(*-reserved-identifier, *-naming)
#endif

#if PY_VERSION_HEX >= 0x030e0000
// Python/ceval.c. 3.14.0 lacks both: weak, so that one core serves all of 3.14.
extern "C" [[gnu::weak]] int PyUnstable_ThreadState_SetStackProtection(PyThreadState *, void *,
                                                                       std::size_t);
extern "C" [[gnu::weak]] void PyUnstable_ThreadState_ResetStackProtection(PyThreadState *);
#endif

namespace epy::cpython {

// ---- configuration

// Since 3.14: what a PyInitConfig is, which has functions alone (Python/initconfig.c).
struct init_config {
    PyPreConfig preconfig;
    PyConfig config;
    const _inittab *modules;
    Py_ssize_t module_count;
    PyStatus status;
    char *message;
};

// ---- initialization: Python/pylifecycle.c

// Before 3.14 its second half can be had alone. It makes thousands of objects and no garbage, and
// looking for some was a thirtieth of a start: nobody does until PyGC_Enable.
inline PyStatus initialize_uncollected(PyConfig &config) {
#if PY_VERSION_HEX < 0x030e0000
    config._init_main = 0;
    const PyStatus status = Py_InitializeFromConfig(&config);
    if (PyStatus_Exception(status) != 0) {
        return status;
    }
    PyGC_Disable();
    return _Py_InitializeMain();
#else
    return Py_InitializeFromConfig(&config);
#endif
}

// ---- the lock of a free-threaded Python: Python/ceval_gil.c, Python/import.c

// The core takes it for granted: importing it turns the lock on (`_PyImport_CheckGILForModule`:
// `Py_mod_gil` is not among its slots), unless Python was started so that it stays off.
inline void start_with_lock([[maybe_unused]] PyConfig &config) noexcept {
#ifdef Py_GIL_DISABLED
    config.enable_gil = 1; // _PyConfig_GIL_ENABLE; else the import warns
#endif
}

// For good, as `sys._is_gil_enabled` says: while a module is imported it is on.
inline bool has_lock() noexcept {
#ifdef Py_GIL_DISABLED
    PyObject *asked = PySys_GetObject("_is_gil_enabled"); // borrowed
    const ref answer(asked == nullptr ? nullptr : PyObject_CallNoArgs(asked));
    PyErr_Clear();
    return answer.get() == Py_True;
#else
    return true;
#endif
}

// ---- thread states: Include/cpython/pystate.h, Python/pystate.c

// Since 3.12 the current state is a thread-local variable (`_Py_tss_tstate`), and says nothing of
// other threads. Before it was the process's, in `_PyRuntime.gilstate`.
inline constexpr bool current_state_is_the_threads = PY_VERSION_HEX >= 0x030c0000;

inline PyThreadState *current_state() noexcept {
#if PY_VERSION_HEX >= 0x030d0000
    return PyThreadState_GetUnchecked();
#else
    return _PyThreadState_UncheckedGet();
#endif
}

// For this thread. Null without memory, where PyThreadState_New of 3.11 crashes.
inline PyThreadState *new_state(PyInterpreterState *interpreter) noexcept {
#if PY_VERSION_HEX >= 0x030c0000
    return PyThreadState_New(interpreter);
#else
    PyThreadState *made = _PyThreadState_Prealloc(interpreter);
    if (made != nullptr) {
        _PyThreadState_SetCurrent(made); // the state that PyGILState_Ensure finds, if it has none
    }
    return made;
#endif
}

// Or the end of another thread's state would take this thread's for PyGILState away, since 3.12
// (`tstate_delete_common`).
inline void unbind_from_ensure([[maybe_unused]] PyThreadState *state) noexcept {
#if PY_VERSION_HEX >= 0x030c0000
    state->_status.bound_gilstate = 0;
#endif
}

// What PyGILState_Ensure leads to is in a variable of each thread since 3.15 (`_Py_tss_gilstate`,
// Python/pystate.c), before that in a thread-specific key (`autoTSSkey`).
inline constexpr bool has_gilstate_variable = PY_VERSION_HEX >= 0x030f0000;

// That is the thread's first state. Since 3.12 a state that becomes current takes its place
// (`tstate_activate`), unless it says that it has it. True of one for which nothing changes when it
// becomes current.
inline bool is_bound_to_ensure([[maybe_unused]] const PyThreadState *state) noexcept {
#if PY_VERSION_HEX >= 0x030c0000
    return state->_status.bound_gilstate != 0;
#else
    return true;
#endif
}

// Which of two states says that PyGILState_Ensure leads to it (`bind_gilstate_tstate`). Either may
// be null.
inline void bind_to_ensure([[maybe_unused]] PyThreadState *from,
                           [[maybe_unused]] PyThreadState *to) noexcept {
#if PY_VERSION_HEX >= 0x030c0000
    if (from != nullptr) {
        from->_status.bound_gilstate = 0;
    }
    if (to != nullptr) {
        to->_status.bound_gilstate = 1;
    }
#endif
}

// The main thread's is the first of the main interpreter (`new_threadstate`: next_unique_id). The
// state may be freed while this looks.
[[gnu::no_sanitize("address", "thread")]] inline bool
is_main_threads(const PyThreadState *state) noexcept {
    return __atomic_load_n(&state->id, __ATOMIC_ACQUIRE) == 1;
}

// Whether this thread made it: the kernel's number, not pthread_t, which glibc gives to the next
// thread when one has ended.
inline bool is_of_this_thread(const PyThreadState *state) noexcept {
    return state->native_thread_id == PyThread_get_thread_native_id();
}

inline bool has_exception(const PyThreadState *state) noexcept {
#if PY_VERSION_HEX >= 0x030c0000
    return state->current_exception != nullptr;
#else
    return state->curexc_type != nullptr;
#endif
}

// ---- interpreters with a lock (GIL) of their own: Python/pylifecycle.c

// Since 3.13 (3.12 has them, but there ctypes refuses to be imported): its first state, which is
// current from then on, as after Py_NewInterpreterFromConfig. Null without one, and what was
// current is so again; before 3.13 always.
inline constexpr bool has_own_locks = PY_VERSION_HEX >= 0x030d0000;

inline PyThreadState *
new_interpreter_with_own_lock([[maybe_unused]] const char *&problem) noexcept {
#if PY_VERSION_HEX >= 0x030d0000
    PyInterpreterConfig config = {};
    config.allow_threads = 1;
    config.check_multi_interp_extensions = 1;
    config.gil = PyInterpreterConfig_OWN_GIL;
    PyThreadState *made = nullptr;
    const PyStatus status = Py_NewInterpreterFromConfig(&made, &config);
    if (PyStatus_Exception(status) != 0) {
        problem = status.err_msg == nullptr ? "unknown error" : status.err_msg;
        return nullptr;
    }
    return made;
#else
    return nullptr;
#endif
}

inline bool is_finalizing() noexcept {
#if PY_VERSION_HEX >= 0x030d0000
    return Py_IsFinalizing() != 0;
#else
    return _Py_IsFinalizing() != 0;
#endif
}

// loader/current_state.h has to know where these are, without Python.h.
#if PY_VERSION_HEX < 0x030c0000
static_assert(offsetof(PyThreadState, interp) == interpreter_in_state);
static_assert(offsetof(PyThreadState, cframe) == frame_in_state);
static_assert(offsetof(PyThreadState, thread_id) == thread_in_state);
static_assert(offsetof(PyThreadState, root_cframe) == first_frame_in_state);
#endif

// ---- how deep calls may nest: Python/ceval.c, Include/internal/pycore_ceval.h

// Counters of what is left: of all calls, and since 3.12 of those in C. Since 3.14 C code looks at
// stack addresses, and Python code takes no room of the C stack.
struct levels_left {
    int *all = nullptr;
    int *in_c = nullptr;
};

inline levels_left levels_left_of([[maybe_unused]] PyThreadState *state) noexcept {
#if PY_VERSION_HEX >= 0x030e0000
    return {};
#elif PY_VERSION_HEX >= 0x030c0000
    return {&state->py_recursion_remaining, &state->c_recursion_remaining};
#else
    return {&state->recursion_remaining, nullptr};
#endif
}

// Tells on which stack a thread runs Python.
inline constexpr bool looks_at_stack_pointers = PY_VERSION_HEX >= 0x030e0000;

inline void use_stack([[maybe_unused]] PyThreadState *state, [[maybe_unused]] void *low,
                      [[maybe_unused]] std::size_t size) noexcept {
#if PY_VERSION_HEX >= 0x030e0000
    if (PyUnstable_ThreadState_SetStackProtection != nullptr) {
        PyUnstable_ThreadState_SetStackProtection(state, low, size);
    }
#endif
}

inline void use_threads_stack([[maybe_unused]] PyThreadState *state) noexcept {
#if PY_VERSION_HEX >= 0x030e0000
    if (PyUnstable_ThreadState_ResetStackProtection != nullptr) {
        PyUnstable_ThreadState_ResetStackProtection(state);
    }
#endif
}

// ---- ints: Include/cpython/longintrepr.h, Objects/longobject.c

// Whether the core writes and reads them itself. Free-threaded Pythons count references in two
// places; debugging ones count objects.
#if PY_VERSION_HEX < 0x03100000 && !defined(Py_GIL_DISABLED) && !defined(Py_REF_DEBUG) &&          \
    !defined(EPY_UNKNOWN_PYTHON)
#define EPY_REUSE
#endif

// Those that exist once (pycore_runtime_structs.h: _PY_NSMALLNEGINTS, _PY_NSMALLPOSINTS).
inline constexpr std::int64_t smallest_kept_int = -5;
inline constexpr std::int64_t largest_kept_int = PY_VERSION_HEX >= 0x030f0000 ? 1024 : 256;

// Since 3.12 the number of digits is in `lv_tag`, above three bits: 0, 1 (zero) or 2 (negative),
// and since 3.14 4 for those that exist once.
struct ints {
    static digit *digits_of(PyLongObject *number) noexcept {
#if PY_VERSION_HEX >= 0x030c0000
        return number->long_value.ob_digit;
#else
        return number->ob_digit;
#endif
    }

    // From the start of the object.
    static constexpr std::size_t place_of_digits() noexcept {
#if PY_VERSION_HEX >= 0x030c0000
        return offsetof(PyLongObject, long_value.ob_digit);
#else
        return offsetof(PyLongObject, ob_digit);
#endif
    }

    static void set_size(PyLongObject *number, Py_ssize_t count, bool negative) noexcept {
#if PY_VERSION_HEX >= 0x030c0000
        number->long_value.lv_tag = static_cast<std::uintptr_t>(count) << 3U | (negative ? 2U : 0U);
#else
        Py_SET_SIZE(number, negative ? -count : count);
#endif
    }

    // The value of one that has a digit or none. False for the others.
    static bool read_short(const PyLongObject *number, std::int64_t &value) noexcept {
#if PY_VERSION_HEX >= 0x030c0000
        const std::uintptr_t tag = number->long_value.lv_tag;
        if (tag >= 2U << 3U) {
            return false;
        }
        const auto sign = static_cast<std::int64_t>(1 - static_cast<std::int64_t>(tag & 3U));
        value = sign * static_cast<std::int64_t>(number->long_value.ob_digit[0]);
#else
        const Py_ssize_t size = Py_SIZE(number);
        if (size < -1 || size > 1) {
            return false;
        }
        value = size * static_cast<std::int64_t>(number->ob_digit[0]);
#endif
        return true;
    }
};

// ---- types and references

// What a type has itself. Since 3.12 the `tp_dict` of Python's own static types is empty:
// Objects/typeobject.c, lookup_tp_dict.
inline ref dict_of_type(PyObject *type) noexcept {
#if PY_VERSION_HEX >= 0x030c0000
    return ref(PyType_GetDict(reinterpret_cast<PyTypeObject *>(type)));
#else
    return ref::borrowed(reinterpret_cast<PyTypeObject *>(type)->tp_dict);
#endif
}

// What a weak reference leads to, empty if it has died.
inline ref referent(PyObject *weak) noexcept {
#if PY_VERSION_HEX >= 0x030d0000
    PyObject *found = nullptr;
    PyWeakref_GetRef(weak, &found);
    return ref(found);
#else
    PyObject *found = PyWeakref_GetObject(weak);
    return found == Py_None ? ref() : ref::borrowed(found);
#endif
}

// Until 3.12 classes of ctypes hid what they refer to in a dictionary of a type of their own
// (Modules/_ctypes/stgdict.c); since 3.13 the collector sees it (StgInfo).
inline constexpr bool ctypes_hides_references = PY_VERSION_HEX < 0x030d0000;

// Since 3.14 a class of ctypes has the class of pointers to it (Modules/_ctypes/_ctypes.c,
// `ctype_get_pointer_type`); a look into the dictionary that had them before warns.
inline constexpr bool classes_know_their_pointers = PY_VERSION_HEX >= 0x030e0000;

// Of a module that may be imported where an interpreter has a GIL of its own, since 3.12
// (Include/moduleobject.h); the end of its slots before.
#if PY_VERSION_HEX >= 0x030c0000
inline const PyModuleDef_Slot serves_own_gils = {Py_mod_multiple_interpreters,
                                                 Py_MOD_PER_INTERPRETER_GIL_SUPPORTED};
#else
inline constexpr PyModuleDef_Slot serves_own_gils = {0, nullptr};
#endif

// The collector of a free-threaded Python has one (Python/gc_free_threading.c).
#ifdef Py_GIL_DISABLED
inline constexpr bool has_generations = false;
#else
inline constexpr bool has_generations = true;
#endif

} // namespace epy::cpython
