// One line on stderr for what only the loader can say: why Python or a plugin could not be started.
#pragma once

namespace epy {

// "epy: SUBJECT: ..." in one write, so that lines of several threads do not mix. Keeps errno.
[[gnu::format(printf, 2, 3)]] void report(const char *subject, const char *format, ...) noexcept;

// The same, for who has asked to be told: EPY_LOG=info, or debug.
[[gnu::format(printf, 2, 3)]] void inform(const char *subject, const char *format, ...) noexcept;

} // namespace epy
