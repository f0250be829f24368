// epy._core.HostObject: the wrapper of an object of the host's, one for each.
//
// The wrapper has one of the host's references to the object, which it gives back when it dies. As
// long as the host has others it has a strong reference to the wrapper, as a handle of its own: so
// what Python has set on the wrapper stays. The host says when that begins and ends (`epy_share`),
// at the moments at which its count leaves or reaches one. Nothing is resurrected: a wrapper that
// dies had no other owner, on either side.
//
//   the host has   Python has   wrapper
//   yes            any          strong, from the host's handle
//   no             yes          as any Python object
//   no             no           dies, and the host's object with it
//
// The count can leave one only through the wrapper, by somebody who has a reference to that. So the
// wrapper lives when it is shared, and what another thread has said late makes up for what was said
// early: the sum counts.
#pragma once

#include "loader/core/state.h"

namespace epy {

extern PyType_Spec host_object_spec;

// Method of the module: describe_host_class(name) -> ([(prototype, address, name or None)], key),
// or None. The base of such classes is HostObject; they have the key as `_host_class_`.
PyObject *describe_host_class(PyObject *module, PyObject *name);

// wrap_host_object(class, address) -> the wrapper, for a function that returns a pointer whose
// reference stays with the host.
PyObject *wrap_host_object(PyObject *module, PyObject *arguments);

// host_object_address(object, class) -> the host's pointer; None if it wraps none of that class.
PyObject *host_object_address(PyObject *module, PyObject *arguments);

namespace embed {

epy_object *wrap(const char *class_name, void *host_object) noexcept;
void *unwrap(const epy_object *, const char *class_name) noexcept;
void share(void *host_object, bool is_shared) noexcept;
void forget(void *host_object) noexcept;

} // namespace embed

} // namespace epy
