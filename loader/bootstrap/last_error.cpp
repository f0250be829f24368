#include "loader/bootstrap/last_error.h"

#include <pthread.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include "loader/thread_key.h"

namespace epy {

namespace {

struct thread_error {
    bool is_set = false;
    epy_error shown{};
    std::string type, message, traceback, plugin, function, thread, classes, line;
};

// Not a thread_local object: calls come also from other destructors of a thread that ends.
const thread_key &key() noexcept {
    static const thread_key the_key([](void *kept) { delete static_cast<thread_error *>(kept); });
    return the_key;
}

thread_error *of_this_thread() noexcept { return static_cast<thread_error *>(key().get()); }

thread_error &make_for_this_thread() {
    thread_error *known = of_this_thread();
    if (known == nullptr) {
        auto made = std::make_unique<thread_error>();
        if (!key().set(made.get())) {
            throw std::bad_alloc();
        }
        known = made.release();
    }
    return *known;
}

std::string name_of_thread() {
    char name[32] = "";
    pthread_getname_np(pthread_self(), name, sizeof name);
    return *name == '\0' ? std::to_string(gettid()) : name;
}

void copy(std::string &target, const char *text) { target.assign(text == nullptr ? "" : text); }

void show(thread_error &kept) {
    const std::uint64_t count = kept.shown.count + 1;
    kept.shown = {kept.type.c_str(),
                  kept.message.c_str(),
                  kept.traceback.c_str(),
                  kept.plugin.c_str(),
                  kept.function.c_str(),
                  kept.thread.c_str(),
                  count};
    kept.line = kept.message.empty() ? kept.type : kept.type + ": " + kept.message;
    kept.is_set = true;
}

void keep(const error_text &error) {
    thread_error &kept = make_for_this_thread();
    kept.is_set = false; // if memory ends half way
    copy(kept.type, error.type);
    copy(kept.message, error.message);
    copy(kept.traceback, error.traceback);
    copy(kept.plugin, error.plugin);
    copy(kept.function, error.function);
    copy(kept.classes, error.classes);
    kept.thread = error.thread == nullptr ? name_of_thread() : error.thread;
    show(kept);
}

} // namespace

void set_error(const error_text &error) noexcept {
    try {
        keep(error);
    } catch (const std::exception &) {
        if (thread_error *kept = of_this_thread()) {
            const std::uint64_t count = kept->shown.count + 1;
            kept->shown = {"MemoryError", "", "", "", "", "", count};
            kept->classes.clear();
            kept->line.clear();
            kept->is_set = true;
        }
    }
}

void set_error(const char *function, const char *plugin, const char *format, ...) noexcept {
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    error_text error;
    error.type = "epy.Error";
    error.message = message;
    error.plugin = plugin;
    error.function = function;
    error.classes = "epy.Error\nException\nBaseException\nobject\n";
    set_error(error);
}

std::uint64_t error_count() noexcept {
    const thread_error *kept = of_this_thread();
    return kept == nullptr ? 0 : kept->shown.count;
}

const epy_error *last_error() noexcept {
    const thread_error *kept = of_this_thread();
    return kept == nullptr || !kept->is_set ? nullptr : &kept->shown;
}

const char *last_error_line() noexcept {
    const thread_error *kept = of_this_thread();
    if (kept == nullptr || !kept->is_set) {
        return nullptr;
    }
    return kept->line.empty() ? kept->shown.type : kept->line.c_str();
}

// "SpamError" stands for any module's.
bool last_error_is(const char *type) noexcept {
    const thread_error *kept = of_this_thread();
    if (kept == nullptr || !kept->is_set) {
        return false;
    }
    const std::string_view wanted(type);
    if (wanted == kept->shown.type) {
        return true;
    }
    std::string_view rest(kept->classes);
    while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        const std::string_view name = rest.substr(0, end);
        if (name == wanted || name.substr(name.rfind('.') + 1) == wanted) {
            return true;
        }
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
    return false;
}

void clear_error() noexcept {
    if (thread_error *kept = of_this_thread()) {
        kept->is_set = false;
    }
}

} // namespace epy
