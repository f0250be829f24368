#include "loader/bootstrap/report.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>

#include "loader/bootstrap/last_error.h"
#include "loader/bootstrap/log_sinks.h"

namespace epy {

void report(const char *subject, const char *format, ...) noexcept {
    const int saved_errno = errno;
    char line[2048];
    constexpr std::size_t room = sizeof line - 1; // for the newline
    std::size_t used =
        static_cast<std::size_t>(std::max(0, std::snprintf(line, room, "epy: %s: ", subject)));
    if (used < room) {
        va_list arguments;
        va_start(arguments, format);
        used += static_cast<std::size_t>(
            std::max(0, std::vsnprintf(line + used, room - used, format, arguments)));
        va_end(arguments);
    }
    used = std::min(used, room - 1);
    line[used] = '\0';
    set_error(nullptr, subject, "%s", line + sizeof "epy:");
    line[used++] = '\n';
    line[used] = '\0';
    const bool is_taken = give_to_sink(EPY_ERROR, subject, line, true);
    for (std::size_t done = is_taken ? used : 0; done < used;) {
        const ssize_t written = write(STDERR_FILENO, line + done, used - done);
        if (written < 0 && errno != EINTR) {
            break;
        }
        done += static_cast<std::size_t>(std::max<ssize_t>(0, written));
    }
    errno = saved_errno;
}

} // namespace epy
