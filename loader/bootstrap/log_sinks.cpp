#include "loader/bootstrap/log_sinks.h"

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "loader/bootstrap/call_host.h"
#include "loader/bootstrap/last_error.h"
#include "loader/bootstrap/locks.h"

namespace epy {

namespace {

struct sink {
    const plugin *self; // null: of all
    std::string path;
    epy_log_sink *function;
    void *user;
};

// Never destroyed: reports come until the process ends. Not on the heap: there may be no memory.
std::vector<sink> &sinks() noexcept {
    alignas(std::vector<sink>) static std::byte place[sizeof(std::vector<sink>)];
    static auto *all = new (place) std::vector<sink>;
    return *all;
}

thread_local bool inside [[gnu::tls_model("initial-exec")]] = false;

void forget_locked(const plugin *self) {
    std::erase_if(sinks(), [self](const sink &one) { return one.self == self; });
}

// Nothing if there is none.
sink find(const char *path) {
    const std::scoped_lock guard(host_lock());
    const sink *found = nullptr;
    for (const sink &one : sinks()) {
        if (one.self == nullptr ? found == nullptr : path != nullptr && one.path == path) {
            found = &one;
        }
    }
    return found == nullptr ? sink{} : sink{nullptr, {}, found->function, found->user};
}

} // namespace

void set_sink(const plugin *self, const char *path, epy_log_sink *function, void *user) {
    const std::scoped_lock guard(host_lock());
    sink made{self, path == nullptr ? "" : path, function, user};
    sinks().reserve(sinks().size() + 1);
    forget_locked(self);
    if (function != nullptr) {
        sinks().push_back(std::move(made));
    }
}

void forget_sink(const plugin *self) noexcept {
    const std::scoped_lock guard(host_lock());
    forget_locked(self);
}

bool has_sink(const char *path) noexcept { return !inside && find(path).function != nullptr; }

bool give_to_sink(int level, const char *path, const char *text, bool is_error) noexcept {
    const sink one = find(path);
    if (one.function == nullptr || inside) {
        return false;
    }
    inside = true;
    const bool is_taken = call_host("a log sink", [=, &one] {
        one.function(level, text, is_error ? last_error() : nullptr, one.user);
    });
    inside = false;
    return is_taken;
}

} // namespace epy
