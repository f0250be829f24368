// Where lines and reports go: to the sink that the host has given with `epy_set_log`, of the plugin
// or of all; to stderr if there is none.
#pragma once

#include "loader/include/epy.h"

namespace epy {

struct plugin;

// `self` null: for all that have none. May throw std::bad_alloc.
void set_sink(const plugin *self, const char *path, epy_log_sink *sink, void *user);
void forget_sink(const plugin *self) noexcept; // it is gone

// False if there is none, it throws, or the thread is inside it. `path` is the plugin's, or any
// other text. `is_error`: it is about the last error of this thread.
bool give_to_sink(int level, const char *path, const char *text, bool is_error) noexcept;
bool has_sink(const char *path) noexcept;

} // namespace epy
