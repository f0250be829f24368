// The last error of each thread, for `epy_last_error`: texts, so that it needs no Python.
#pragma once

#include "loader/embed_api.h"
#include "loader/include/epy.h"

namespace epy {

// Without memory it is an error that says so.
void set_error(const error_text &) noexcept;

// Of the loader itself: epy.Error. `function`: of epy.h, or null.
[[gnu::format(printf, 3, 4)]] void set_error(const char *function, const char *plugin,
                                             const char *format, ...) noexcept;

// How many errors this thread has had.
std::uint64_t error_count() noexcept;
// Null if there is none.
const epy_error *last_error() noexcept;
const char *last_error_line() noexcept;
bool last_error_is(const char *type) noexcept;
void clear_error() noexcept;

} // namespace epy
