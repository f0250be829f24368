#include "loader/core/thread/open_scopes.h"

#include <memory>
#include <new>

#include "loader/core/noted_error.h"
#include "loader/core/thread/restore.h"
#include "loader/core/thread/unwinding.h"
#include "loader/log.h"
#include "loader/thread_key.h"

namespace epy {

constinit thread_local open_scopes scopes_here;

namespace {

void end_of_thread(void *) noexcept {
    if (scopes_here.innermost == nullptr) {
        return;
    }
    abandon_scopes();
    static std::atomic<bool> said = false;
    if (!said.exchange(true)) {
        say(log_level::error,
            "epy: a thread ended inside of epy_enter: it has Python's lock no more; call epy_leave "
            "on each way out");
    }
}

// So that the end of this thread is noticed. Where keys have run out it is not.
void watch_this_thread() noexcept {
    static constinit thread_local bool is_watched [[gnu::tls_model("initial-exec")]] = false;
    static const thread_key key(end_of_thread);
    if (!is_watched) {
        is_watched = key.set(&scopes_here);
    }
}

// Of a Python that is there no more the thread has nothing.
bool is_over(const open_scope &one) noexcept { return one.python_number != number_of_python(); }

void abandon(open_scope &one) noexcept {
    one.state = nullptr;
    if (one.python) {
        one.python->abandon();
    }
}

std::unique_ptr<open_scope> taken_innermost() noexcept {
    std::unique_ptr<open_scope> one(scopes_here.innermost);
    scopes_here.innermost = one->outer;
    if (is_over(*one)) {
        abandon(*one);
    }
    return one;
}

void end_innermost() noexcept {
    const std::unique_ptr<open_scope> ended = taken_innermost();
    if (PyThreadState *const state = ended->state) {
        run_python([state] { restore_thread(state); });
    }
}

// As misuse of a function of epy.h.
void note(scope_kind kind) noexcept {
    error_text error;
    error.type = "RuntimeError";
    error.message = "a function that Python called returned inside of the scope";
    error.function = kind == scope_kind::entered ? "epy_enter" : "epy_pause";
    error.classes = "RuntimeError\nException\nBaseException\nobject\n";
    host->set_error(error);
}

} // namespace

open_scope *begin_scope(const void *name, scope_kind kind) noexcept {
    auto *const made =
        new (std::nothrow) open_scope{name, kind, number_of_python(), scopes_here.innermost, {}};
    if (made != nullptr) {
        watch_this_thread();
        scopes_here.innermost = made;
    }
    return made;
}

open_scope *find_scope(const void *name, scope_kind kind) noexcept {
    open_scope *found = scopes_here.innermost;
    while (found != scopes_here.floor &&
           (found->name != name || found->kind != kind || found->is_left)) {
        found = found->outer;
    }
    return found == scopes_here.floor ? nullptr : found;
}

void end_scope(open_scope &one) noexcept {
    one.is_left = true;
    while (scopes_here.innermost != scopes_here.floor && scopes_here.innermost->is_left) {
        end_innermost();
    }
}

void leave_scopes_above_floor(bool is_made_up_for) noexcept {
    while (scopes_here.innermost != scopes_here.floor) {
        const scope_kind kind = scopes_here.innermost->kind;
        const bool was_left = scopes_here.innermost->is_left;
        if (is_made_up_for) {
            abandon(*scopes_here.innermost);
        }
        end_innermost();
        if (!was_left) {
            note(kind);
            complain_of_open_scope(kind);
        }
    }
}

void leave_scope_with_gil() noexcept {
    open_scope *const floor = scopes_here.floor;
    open_scope *one = scopes_here.innermost;
    while (one != floor && one->python && !one->python->has_taken_gil()) {
        one = one->outer;
    }
    if (one != floor && one->python) {
        scopes_here.floor = one->outer;
        leave_scopes_above_floor(false);
        scopes_here.floor = floor;
    }
}

void abandon_scopes() noexcept {
    bool has_gil = attachment::holds_gil();
    while (scopes_here.innermost != nullptr) {
        const std::unique_ptr<open_scope> one = taken_innermost();
        const bool gives_up = has_gil && one->python && one->python->has_taken_gil();
        if (!gives_up) {
            abandon(*one);
        }
        has_gil = has_gil && !gives_up;
    }
}

} // namespace epy
