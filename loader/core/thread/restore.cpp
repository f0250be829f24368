#include "loader/core/thread/restore.h"

#include "loader/core/thread/context.h"
#include "loader/core/thread/open_scopes.h"

namespace epy {

constinit std::atomic<bool (*)(PyThreadState *)> keeps_restored = nullptr;

namespace {

// Not null from the first redirection on.
void (*original)(PyThreadState *) = nullptr;

void (*replace_functions)(const void *, const replacement *, std::size_t) noexcept = nullptr;

extern "C" void restore_for_others(PyThreadState *state) { restore_thread(state); }

} // namespace

void replace_functions_by(void (*loaders)(const void *, const replacement *,
                                          std::size_t) noexcept) noexcept {
    replace_functions = loaders;
}

void lead_restore_here() noexcept {
    static bool done = false;
    if (!done) {
        done = true;
        const replacement restore = replaced("PyEval_RestoreThread", restore_for_others, original);
        replace_functions(reinterpret_cast<const void *>(&Py_GetVersion), &restore, 1);
        restore_after_host.store(restore_thread, std::memory_order_release);
    }
}

void restore_thread(PyThreadState *state) {
    if (scopes_here.innermost != scopes_here.floor && attachment::holds_gil()) {
        leave_scope_with_gil();
    }
    bool (*const keeps)(PyThreadState *) = keeps_restored.load(std::memory_order_acquire);
    if (keeps == nullptr || !keeps(state)) {
        (original == nullptr ? &PyEval_RestoreThread : original)(state);
    }
}

} // namespace epy
