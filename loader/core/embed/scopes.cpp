// A call on a thread that has the lock finds it held, and calls the host's functions with it. So
// does one inside of epy_enter: that is what a batch is for.
#include "loader/core/embed/scopes.h"

#include <new>

#include "loader/core/embed/attached.h"

namespace epy::embed {

namespace {

static_assert(sizeof(attachment) <= sizeof(epy_scope));
static_assert(alignof(attachment) <= alignof(epy_scope));

attachment *in(epy_scope *scope) { return std::launder(reinterpret_cast<attachment *>(scope)); }

} // namespace

bool enter(epy_scope *scope) noexcept {
    auto *python = new (static_cast<void *>(scope)) attachment;
    if (!*python) {
        note_missing_python(*python, "epy_enter");
        python->~attachment();
        return false;
    }
    return true;
}

void leave(epy_scope *scope) noexcept { in(scope)->~attachment(); }

void pause(epy_scope *scope) noexcept {
    if (attachment::holds_gil()) {
        scope->opaque[0] = PyEval_SaveThread();
    }
}

void resume(epy_scope *scope) noexcept {
    if (auto *state = static_cast<PyThreadState *>(scope->opaque[0])) {
        scope->opaque[0] = nullptr;
        run_python([state] { PyEval_RestoreThread(state); });
    }
}

} // namespace epy::embed
