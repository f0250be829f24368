#include "loader/bootstrap/report.h"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>

#include "loader/bootstrap/last_error.h"
#include "loader/bootstrap/log_sinks.h"
#include "stub/own_stack.h"
#include "stub/printable.h"

namespace epy {

namespace {

[[gnu::format(printf, 3, 0)]] void say_here(log_level level, const char *subject,
                                            const char *format, std::va_list arguments) noexcept {
    char line[2048];
    constexpr std::size_t room = sizeof line - 1; // for the newline
    const int begin = std::snprintf(line, room, "epy: %s: ", subject);
    std::size_t used = std::min(static_cast<std::size_t>(std::max(0, begin)), room - 1);
    const int rest = std::vsnprintf(line + used, room - used, format, arguments);
    used = std::min(used + static_cast<std::size_t>(std::max(0, rest)), room - 1);
    used = make_printable(line, used, room);
    const bool is_error = level == log_level::error;
    if (is_error) {
        set_error(nullptr, subject, "%s", line + sizeof "epy:");
    }
    line[used] = '\n';
    line[used + 1] = '\0';
    const bool is_taken = give_to_sink(static_cast<int>(level), subject, line, is_error);
    line[used] = '\0';
    if (!is_taken) {
        say(level, "%s", line);
    }
}

[[gnu::format(printf, 3, 0)]] void say_of(log_level level, const char *subject, const char *format,
                                          std::va_list arguments) noexcept {
    const int saved_errno = errno;
    std::va_list own;
    va_copy(own, arguments);
    call_with_room([&] { say_here(level, subject, format, own); });
    va_end(own);
    errno = saved_errno;
}

} // namespace

void report(const char *subject, const char *format, ...) noexcept {
    std::va_list arguments;
    va_start(arguments, format);
    say_of(log_level::error, subject, format, arguments);
    va_end(arguments);
}

void note(log_level level, const char *subject, const char *format, ...) noexcept {
    if (is_logged(level)) {
        std::va_list arguments;
        va_start(arguments, format);
        say_of(level, subject, format, arguments);
        va_end(arguments);
    }
}

} // namespace epy
