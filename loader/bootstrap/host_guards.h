// How each function of epy.h runs: no C++ exception gets out, errno stays the host's, the plugin
// stays while it is used and is started first, and without a Python there is an error.
#pragma once

#include <cerrno>
#include <exception>

#include "loader/bootstrap/last_error.h"
#include "loader/bootstrap/plugin.h"
#include "loader/bootstrap/python.h"
#include "loader/embed_api.h"
#include "loader/include/epy.h"

namespace epy {

// Each function: errno stays the host's, and no C++ exception gets out.
template <typename Result, typename Work>
Result guarded(const char *function, Result failure, Work work) noexcept {
    const int saved_errno = errno;
    Result result = failure;
    try {
        result = work();
    } catch (const std::exception &) {
        set_error({"MemoryError", nullptr, nullptr, nullptr, function, nullptr,
                   "MemoryError\nException\nBaseException\nobject\n"});
    }
    errno = saved_errno;
    return result;
}

// A plugin that stays while a function of epy.h uses it.
class held_plugin {
public:
    explicit held_plugin(const epy_plugin *given) noexcept
        : plugin_(reinterpret_cast<plugin *>(const_cast<epy_plugin *>(given))) {
        if (plugin_ != nullptr && !plugin::retain_if_known(plugin_)) {
            plugin_ = nullptr;
        }
    }
    ~held_plugin() {
        if (plugin_ != nullptr) {
            plugin_->release();
        }
    }
    held_plugin(const held_plugin &) = delete;
    held_plugin &operator=(const held_plugin &) = delete;

    explicit operator bool() const noexcept { return plugin_ != nullptr; }
    plugin *operator->() const noexcept { return plugin_; }
    [[nodiscard]] plugin *get() const noexcept { return plugin_; }

private:
    plugin *plugin_;
};

// Starts it if nobody has. False after an error.
bool make_ready(const held_plugin &, const char *function);

// Null after an error: no Python runs.
const embed_api *embedding(const char *function) noexcept;

// With the core: Work(const embed_api &).
template <typename Result, typename Work>
Result with_python(const char *function, Result failure, Work work) noexcept {
    return guarded(function, failure, [&]() -> Result {
        const embed_api *python = embedding(function);
        return python == nullptr ? failure : work(*python);
    });
}

// With a plugin that has started: Work(const embed_api &, plugin *).
template <typename Result, typename Work>
Result with_plugin(const epy_plugin *given, const char *function, Result failure,
                   Work work) noexcept {
    return guarded(function, failure, [&]() -> Result {
        const held_plugin self(given);
        if (!make_ready(self, function)) {
            return failure;
        }
        const embed_api *python = embedding(function);
        return python == nullptr ? failure : work(*python, self.get());
    });
}

// What was given for a plugin is none: NULL, closed, or any other pointer. -1.
int no_plugin(const char *function) noexcept;

template <typename Result>
Result missing(const char *function, const char *what, Result failure) noexcept {
    set_error(function, nullptr, "%s is NULL", what);
    return failure;
}

} // namespace epy
