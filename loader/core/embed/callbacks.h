// Callbacks in the host's hands: function pointers that a script passed, or that the host has made
// of a Python object. See embed_api.
#pragma once

#include "loader/core/state.h"

namespace epy {

// The plugin is unloaded: what the host has retained of its callbacks goes to the list, and is the
// host's no more. False with a Python exception.
bool take_callbacks_back(module_state &, PyObject *plugin, PyObject *objects);

namespace embed {

int retain_callback(void *function) noexcept;
void release_callback(void *function) noexcept;
int is_live_callback(void *function) noexcept;
void *new_callback(epy_object *callable, const char *prototype, epy_object *error) noexcept;

} // namespace embed

} // namespace epy
