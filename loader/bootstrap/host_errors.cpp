// Functions of epy.h: errors, what C raises in Python, and where reports go.
#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <string>

#include "loader/bootstrap/host_guards.h"
#include "loader/bootstrap/log_sinks.h"

extern "C" {

const epy_error *epy_last_error_info() noexcept { return epy::last_error(); }

const char *epy_last_error() noexcept { return epy::last_error_line(); }

int epy_error_matches(const char *type) noexcept {
    return type != nullptr && epy::last_error_is(type) ? 1 : 0;
}

void epy_clear_error() noexcept {
    epy::clear_error();
    if (const epy::core_api *core = epy::the_core()) {
        core->embed->clear_raised();
    }
}

int epy_raise_va(const char *type, const char *format, va_list arguments) noexcept {
    return epy::guarded("epy_raise", -1, [&] {
        if (type == nullptr || format == nullptr) {
            return epy::missing("epy_raise", type == nullptr ? "the class" : "the format", -1);
        }
        va_list again;
        va_copy(again, arguments);
        std::string text(
            static_cast<std::size_t>(std::max(0, std::vsnprintf(nullptr, 0, format, arguments))),
            '\0');
        std::vsnprintf(text.data(), text.size() + 1, format, again);
        va_end(again);
        const epy::embed_api *python = epy::embedding("epy_raise");
        return python == nullptr ? -1 : python->raise(type, text.c_str());
    });
}

int epy_raise(const char *type, const char *format, ...) noexcept {
    va_list arguments;
    va_start(arguments, format);
    const int result = epy_raise_va(type, format, arguments);
    va_end(arguments);
    return result;
}

int epy_raise_errno(const char *file_name_or_null) noexcept {
    const int number = errno;
    return epy::with_python("epy_raise_errno", -1, [&](const epy::embed_api &python) {
        return python.raise_errno(number, file_name_or_null);
    });
}

int epy_raise_again() noexcept {
    return epy::with_python("epy_raise_again", -1,
                            [](const epy::embed_api &python) { return python.raise_again(); });
}

int epy_set_log(epy_plugin *given, epy_log_sink *sink, void *user) noexcept {
    return epy::guarded("epy_set_log", -1, [&] {
        const epy::held_plugin self(given);
        if (given != nullptr && !self) {
            return epy::no_plugin("epy_set_log");
        }
        epy::set_sink(self.get(), self ? self->path() : nullptr, sink, user);
        return 0;
    });
}

} // extern "C"
