// Where ctypes' objects have what every call and every field that is read looks at. Found out once,
// from an object and from ctypes' own table of members; what is not found there is asked for in
// Python's ways, which take ten times as long.
#pragma once

#include <atomic>
#include <cstdint>

#include "loader/core/state.h"

namespace epy::ctypes {

// Of the process, whose interpreters have one ctypes. Zero: not known.
struct instance_layout {
    std::atomic<bool> begins_with_place = false; // of its memory, the word behind the object's head
    std::atomic<Py_ssize_t> objects = 0;         // offset of `_objects`
    // What a function pointer has beside other objects of ctypes: its own result, arguments, checks
    // and so on, each null unless it is set.
    std::atomic<Py_ssize_t> own_begin = 0;
    std::atomic<Py_ssize_t> own_end = 0;
};

// When ctypes is there.
void find_instance_layout(const module_state &) noexcept;

// Where the memory of an object of ctypes is; null with a Python exception.
void *place_of(PyObject *instance);

// Whether it keeps no other object. False also if that is not known.
bool keeps_nothing(PyObject *instance) noexcept;

// Whether a function pointer has no result, arguments or check of its own: those of its class hold.
bool is_as_its_class_says(PyObject *function);

} // namespace epy::ctypes
