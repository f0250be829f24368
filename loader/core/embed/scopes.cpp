// A call on a thread that has the lock finds it held, and calls the host's functions with it. So
// does one inside of epy_enter: that is what a batch is for.
//
// Which scopes are open is kept here, for each thread. The host's epy_scope is a name for one and
// no more: it may be used for both kinds, left twice, on another thread, before an inner one, or be
// gone from the stack without having been left.
#include "loader/core/embed/scopes.h"

#include <memory>
#include <new>
#include <optional>

#include "loader/core/embed/attached.h"

namespace epy::embed {

namespace {

enum class kind : unsigned char { entered, paused };

struct open_scope {
    const epy_scope *name;
    kind of;
    bool is_left;
    open_scope *outer;
    PyThreadState *state = nullptr;   // to be taken back, if paused
    std::optional<attachment> python; // if entered
};

constinit thread_local open_scope *innermost [[gnu::tls_model("initial-exec")]] = nullptr;

open_scope *find(const epy_scope *name, kind of) noexcept {
    open_scope *found = innermost;
    while (found != nullptr && (found->name != name || found->of != of || found->is_left)) {
        found = found->outer;
    }
    return found;
}

// Null without memory.
open_scope *begin(const epy_scope *name, kind of) noexcept {
    auto *made = new (std::nothrow) open_scope{name, of, false, innermost, nullptr, {}};
    innermost = made == nullptr ? innermost : made;
    return made;
}

void end_innermost() noexcept {
    const std::unique_ptr<open_scope> ended(innermost);
    innermost = ended->outer;
    if (PyThreadState *const state = ended->state) {
        run_python([state] { restore_after_host.load(std::memory_order_acquire)(state); });
    }
}

// One that has others inside ends with the last of them.
bool end(const epy_scope *name, kind of) noexcept {
    open_scope *const found = find(name, of);
    if (found == nullptr) {
        return false;
    }
    found->is_left = true;
    while (innermost != nullptr && innermost->is_left) {
        end_innermost();
    }
    return true;
}

void note_misuse(const char *function, const char *message) noexcept {
    error_text error;
    error.type = "RuntimeError";
    error.message = message;
    error.function = function;
    error.classes = "RuntimeError\nException\nBaseException\nobject\n";
    host->set_error(error);
}

} // namespace

bool enter(epy_scope *scope) noexcept {
    if (find(scope, kind::entered) != nullptr) {
        note_misuse("epy_enter", "the scope is open on this thread: leave it first");
        return false;
    }
    open_scope *const made = begin(scope, kind::entered);
    if (made == nullptr) {
        host->set_error({"MemoryError", nullptr, nullptr, nullptr, "epy_enter", nullptr,
                         "MemoryError\nException\nBaseException\nobject\n"});
        return false;
    }
    const attachment &python = made->python.emplace();
    if (!python) {
        note_missing_python(python, "epy_enter");
        end_innermost();
        return false;
    }
    return true;
}

void leave(epy_scope *scope) noexcept {
    if (!end(scope, kind::entered)) {
        note_misuse("epy_leave", "the scope is not open on this thread");
    }
}

void pause(epy_scope *scope) noexcept {
    if (!attachment::holds_gil()) {
        return;
    }
    if (open_scope *const made = begin(scope, kind::paused)) {
        made->state = PyEval_SaveThread();
    }
}

void resume(epy_scope *scope) noexcept { end(scope, kind::paused); }

} // namespace epy::embed
