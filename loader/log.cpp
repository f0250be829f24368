#include "loader/log.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "stub/printable.h"
#include "stub/trust.h"

namespace epy {

namespace {

constexpr std::array<const char *, 4> names{"debug", "info", "warning", "error"};

std::atomic<const log_settings *> given = nullptr;

// What is wrong with the log itself.
[[gnu::format(printf, 1, 2)]] void say_on_stderr(const char *format, ...) noexcept {
    char line[2048];
    va_list arguments;
    va_start(arguments, format);
    const int length = std::vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    make_printable(line, std::min(static_cast<std::size_t>(std::max(0, length)), sizeof line - 1),
                   sizeof line);
    dprintf(STDERR_FILENO, "%s\n", line);
}

// Not by getenv: a plugin may stand in front of it.
const char *variable(std::string_view name) noexcept {
    for (char **one = environ; one != nullptr && *one != nullptr; ++one) {
        const std::string_view entry(*one);
        if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
            return *one + name.size() + 1;
        }
    }
    return "";
}

// From where the host is now: it may go elsewhere.
void set_file(log_settings &made, const char *path) noexcept {
    char folder[PATH_MAX] = "";
    const bool is_absolute = *path == '/' || getcwd(folder, sizeof folder) == nullptr;
    const int length = std::snprintf(made.file, sizeof made.file, "%s%s%s",
                                     is_absolute ? "" : folder, is_absolute ? "" : "/", path);
    if (length >= static_cast<int>(sizeof made.file)) {
        made.file[0] = '\0';
    }
}

log_settings from_environment() noexcept {
    log_settings made;
    if (has_raised_privileges()) {
        return made;
    }
    const char *text = variable("EPY_LOG");
    const char *colon = std::strchr(text, ':');
    const std::string_view level(text, colon == nullptr ? std::strlen(text)
                                                        : static_cast<std::size_t>(colon - text));
    bool is_known = level.empty();
    for (std::size_t index = 0; index < names.size(); ++index) {
        if (level == names[index]) {
            made.least = static_cast<log_level>(index);
            is_known = true;
        }
    }
    if (!is_known) {
        say_on_stderr(
            "epy: EPY_LOG=%s: give debug, info, warning or error, and behind a colon a file", text);
    }
    const char *file = colon == nullptr ? variable("EPY_LOG_FILE") : colon + 1;
    if (*file != '\0') {
        set_file(made, file);
    }
    return made;
}

void complain_once(const char *file) noexcept {
    static constinit std::atomic<bool> said = false;
    if (!said.exchange(true)) {
        say_on_stderr("epy: cannot write the log file %s: %s; messages go to stderr: name another "
                      "one in EPY_LOG",
                      file, std::strerror(errno));
    }
}

// "2026-11-26T20:59:01.123456Z 4711 error "
int describe(log_level level, char *line, std::size_t size) noexcept {
    using namespace std::chrono;
    const auto now = time_point_cast<microseconds>(system_clock::now());
    const auto day = floor<days>(now);
    const year_month_day date(day);
    const hh_mm_ss time(now - day);
    return std::snprintf(
        line, size, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ %d %s ", static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
        static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
        static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()),
        getpid(), names[static_cast<std::size_t>(level)]);
}

} // namespace

const log_settings &current_log_settings() noexcept {
    if (const log_settings *others = given.load()) {
        return *others;
    }
    static const log_settings own = from_environment();
    return own;
}

void use_log_settings(const log_settings &others) noexcept { given = &others; }

bool is_logged(log_level level) noexcept { return level >= current_log_settings().least; }

bool log_to_file(log_level level, std::string_view text) noexcept {
    const log_settings &now = current_log_settings();
    if (now.file[0] == '\0') {
        return false;
    }
    const int saved_errno = errno;
    const int file =
        open(now.file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    bool is_written = false;
    if (file >= 0) {
        char begin[80];
        const int length = describe(level, begin, sizeof begin);
        const bool ends = text.ends_with('\n');
        const iovec parts[] = {{begin, static_cast<std::size_t>(length)},
                               {const_cast<char *>(text.data()), text.size()},
                               {const_cast<char *>("\n"), ends ? 0UL : 1UL}};
        is_written = writev(file, parts, 3) >= 0; // in one piece: lines of threads do not mix
    }
    if (!is_written) {
        complain_once(now.file);
    }
    if (file >= 0) {
        close(file);
    }
    errno = saved_errno;
    return is_written;
}

void say(log_level level, const char *format, ...) noexcept {
    if (!is_logged(level)) {
        return;
    }
    const int saved_errno = errno;
    char line[2048];
    va_list arguments;
    va_start(arguments, format);
    const int length = std::vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    constexpr std::size_t room = sizeof line - 1; // for the newline
    std::size_t size = std::min(static_cast<std::size_t>(std::max(0, length)), room - 1);
    size = make_printable(line, size, room);
    line[size++] = '\n';
    std::string_view left(line, size);
    if (log_to_file(level, left)) {
        left = {};
    }
    while (!left.empty()) {
        const ssize_t written = write(STDERR_FILENO, left.data(), left.size());
        if (written < 0 && errno != EINTR) {
            break;
        }
        left.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(0, written)));
    }
    errno = saved_errno;
}

} // namespace epy
