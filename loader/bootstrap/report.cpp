#include "loader/bootstrap/report.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>

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
    line[used++] = '\n';
    for (std::size_t done = 0; done < used;) {
        const ssize_t written = write(STDERR_FILENO, line + done, used - done);
        if (written < 0 && errno != EINTR) {
            break;
        }
        done += static_cast<std::size_t>(std::max<ssize_t>(0, written));
    }
    errno = saved_errno;
}

} // namespace epy
