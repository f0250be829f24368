// Which wrapper each of the host's objects has, and who keeps that alive. Needs no GIL unless a
// function says otherwise: a host counts, and its objects die, on any thread and at any time. So a
// host's object can be forgotten where nobody may wait, nor get memory.
#pragma once

#include <atomic>

#include "loader/core/py.h"
#include "loader/include/epy.h"

namespace epy {

struct handle_cell;

// The wrapper.
struct host_object {
    PyObject_HEAD PyObject *attributes; // dict
    PyObject *weak_references;
    std::atomic<void *> pointer; // null: forgotten, or not yet given
    const epy_class *of;
};

namespace known_wrappers {

// The live wrapper of an object, or null: one that is dying is none any more. With the GIL.
host_object *wrapper_of(void *pointer);

// The pointer is the wrapper's from here on, with one reference of the host's. With the GIL.
void keep(host_object *wrapper, void *pointer, const epy_class *of);

// The wrapper dies. With the GIL.
void leave(host_object *wrapper) noexcept;

// A beginning or an end of what the host has besides the wrapper. False: the strong reference has
// to be made.
bool share(void *pointer, bool is_shared) noexcept;

// The strong reference, unless it has become needless meanwhile.
void hold(void *pointer, const host_object *wrapper, handle_cell &strong) noexcept;

// The object dies. Its wrapper has no pointer from here on.
void forget(void *pointer) noexcept;

// Python ends with all wrappers. With the GIL.
void end() noexcept;

} // namespace known_wrappers

} // namespace epy
