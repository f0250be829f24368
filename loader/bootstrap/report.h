// One line for what only the loader can say: why Python or a plugin could not be started.
#pragma once

#include "loader/log.h"

namespace epy {

// "epy: SUBJECT: ..." on stderr, or in the file of EPY_LOG, in one write, so that lines of several
// threads do not mix. Keeps errno.
[[gnu::format(printf, 2, 3)]] void report(const char *subject, const char *format, ...) noexcept;

// The same for what is no error: who looks for something asks for it.
[[gnu::format(printf, 3, 4)]] void note(log_level, const char *subject, const char *format,
                                        ...) noexcept;

} // namespace epy
