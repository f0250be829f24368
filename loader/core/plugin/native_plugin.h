// epy._core.NativePlugin: a loaded plugin, as Python sees it.
#pragma once

#include "loader/core/state.h"

namespace epy {

struct call_record;
struct plain_exports;

extern PyType_Spec native_plugin_spec;

// Takes over the reference that the loader gave. A new reference, or null with a Python exception.
PyObject *new_native_plugin(module_state &, const plugin_view &);

// Lets a slot of the plugin lead to a callback. False with a Python exception.
bool publish_callback(PyObject *native_plugin, unsigned slot, const call_record &);

// Empty unless its script runs.
plain_exports &exports_of_start(PyObject *native_plugin) noexcept;

// The start is over: the archive, which lies in the image, cannot be read any more.
void close_archive(PyObject *native_plugin);

} // namespace epy
