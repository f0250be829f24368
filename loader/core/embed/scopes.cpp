// A call on a thread that has the lock finds it held, and calls the host's functions with it. So
// does one inside of epy_enter: that is what a batch is for.
#include "loader/core/embed/scopes.h"

#include "loader/core/embed/attached.h"
#include "loader/core/thread/open_scopes.h"
#include "loader/core/thread/restore.h"

namespace epy::embed {

namespace {

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
    if (find_scope(scope, scope_kind::entered) != nullptr) {
        note_misuse("epy_enter", "the scope is open on this thread: leave it first");
        return false;
    }
    open_scope *const made = begin_scope(scope, scope_kind::entered);
    if (made == nullptr) {
        host->set_error({"MemoryError", nullptr, nullptr, nullptr, "epy_enter", nullptr,
                         "MemoryError\nException\nBaseException\nobject\n"});
        return false;
    }
    const attachment &python = made->python.emplace();
    if (!python) {
        note_missing_python(python, "epy_enter");
        end_scope(*made);
        return false;
    }
    lead_restore_here();
    return true;
}

void leave(epy_scope *scope) noexcept {
    if (open_scope *const found = find_scope(scope, scope_kind::entered)) {
        end_scope(*found);
    } else {
        note_misuse("epy_leave", "the scope is not open on this thread, or was entered outside of "
                                 "the function that Python called");
    }
}

void pause(epy_scope *scope) noexcept {
    if (!attachment::holds_gil()) {
        return;
    }
    if (open_scope *const made = begin_scope(scope, scope_kind::paused)) {
        made->state = PyEval_SaveThread();
    }
}

void resume(epy_scope *scope) noexcept {
    if (open_scope *const found = find_scope(scope, scope_kind::paused)) {
        end_scope(*found);
    }
}

} // namespace epy::embed
