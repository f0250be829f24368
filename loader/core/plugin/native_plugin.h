// epy._core.NativePlugin: a loaded plugin, as Python sees it.
#pragma once

#include "loader/core/state.h"

namespace epy {

extern PyType_Spec native_plugin_spec;

// Takes over the reference that the loader gave. A new reference, or null with a Python exception.
PyObject *new_native_plugin(module_state &, const plugin_view &);

// The start is over: the archive, which lies in the image, cannot be read any more.
void close_archive(PyObject *native_plugin);

} // namespace epy
