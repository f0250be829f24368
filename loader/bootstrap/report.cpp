#include "loader/bootstrap/report.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "loader/bootstrap/last_error.h"
#include "loader/bootstrap/log_sinks.h"
#include "stub/trust.h"

namespace epy {

namespace {

// `shown`: on stderr, where no sink takes it.
[[gnu::format(printf, 4, 0)]] void write_line(int level, bool shown, const char *subject,
                                              const char *format, std::va_list arguments) noexcept {
    const int saved_errno = errno;
    char line[2048];
    constexpr std::size_t room = sizeof line - 1; // for the newline
    std::size_t used =
        static_cast<std::size_t>(std::max(0, std::snprintf(line, room, "epy: %s: ", subject)));
    if (used < room) {
        used += static_cast<std::size_t>(
            std::max(0, std::vsnprintf(line + used, room - used, format, arguments)));
    }
    used = std::min(used, room - 1);
    line[used] = '\0';
    if (level == EPY_ERROR) {
        set_error(nullptr, subject, "%s", line + sizeof "epy:");
    }
    line[used++] = '\n';
    line[used] = '\0';
    const bool is_taken = give_to_sink(level, subject, line, level == EPY_ERROR);
    for (std::size_t done = is_taken || !shown ? used : 0; done < used;) {
        const ssize_t written = write(STDERR_FILENO, line + done, used - done);
        if (written < 0 && errno != EINTR) {
            break;
        }
        done += static_cast<std::size_t>(std::max<ssize_t>(0, written));
    }
    errno = saved_errno;
}

} // namespace

void report(const char *subject, const char *format, ...) noexcept {
    std::va_list arguments;
    va_start(arguments, format);
    write_line(EPY_ERROR, true, subject, format, arguments);
    va_end(arguments);
}

void inform(const char *subject, const char *format, ...) noexcept {
    const char *level = has_raised_privileges() ? nullptr : std::getenv("EPY_LOG");
    const bool shown =
        level != nullptr && (std::strcmp(level, "info") == 0 || std::strcmp(level, "debug") == 0);
    if (!shown && !has_sink(subject)) {
        return;
    }
    std::va_list arguments;
    va_start(arguments, format);
    write_line(EPY_INFO, shown, subject, format, arguments);
    va_end(arguments);
}

} // namespace epy
