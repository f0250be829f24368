// What is said, and where: EPY_LOG=debug|info|warning|error and EPY_LOG=LEVEL:FILE, or
// EPY_LOG_FILE.
//
// The environment is read once, when Python starts: hosts clear and change theirs. In a process
// with raised privileges it is not read at all.
#pragma once

#include <cstdint>
#include <string_view>

namespace epy {

enum class log_level : std::uint8_t { debug, info, warning, error }; // as in epy.h

struct log_settings {
    log_level least = log_level::warning;
    char file[4096] = ""; // absolute; empty: stderr
};

// Read at the first use, unless others have been given before.
const log_settings &current_log_settings() noexcept;
// The core has those of the loader, which lives longer.
void use_log_settings(const log_settings &) noexcept;

// Whether what is of this level is wanted.
bool is_logged(log_level) noexcept;

// Appends an entry to the file, if there is one: with the time, the process and the level. False if
// it is for stderr. The file is opened for each entry: a host may close descriptors that it does
// not know, and a file may be moved away. Keeps errno.
bool log_to_file(log_level, std::string_view text) noexcept;

// There, or on stderr: a line as printf makes it, without its newline. Keeps errno.
[[gnu::format(printf, 2, 3)]] void say(log_level, const char *format, ...) noexcept;

} // namespace epy
