#include "loader/core/plugin/handover.h"

#include "loader/core/call/scope.h"
#include "loader/core/py.h"
#include "loader/core/thread/restore.h"
#include "loader/core/thread/threads.h"

namespace epy {

namespace {

// The call inside which the host got the GIL on this thread, and has it still as far as Python
// knows: its own and those around it leave the GIL to the host.
struct handed_over {
    bool is_set = false;
    PyObject *runner = nullptr;
    std::uintptr_t entered_at = 0; // with the GIL, from now on
    bool is_marked = false;        // it was not before

    [[nodiscard]] bool is_running() const noexcept {
        return is_set && running.runner == runner && running.entered_at == entered_at;
    }
};
constinit thread_local handed_over inside [[gnu::tls_model("initial-exec")]];

// Functions of the host's that the same call calls run with the GIL held from now on.
void note_host_has_gil() noexcept {
    const bool marks = !running.found_gil_held();
    const bool is_marked = marks || (inside.is_running() && inside.is_marked);
    if (marks) {
        running.entered_at = call_context::entry(running.stack_pointer(), found_gil::held);
    }
    inside = {true, running.runner, running.entered_at, is_marked};
}

void note_host_has_no_gil() noexcept {
    if (inside.is_running() && inside.is_marked) {
        running.entered_at = running.stack_pointer();
    }
    inside.is_set = false;
}

// What called a function of the host's goes on: now it shows whether the host has the GIL.
bool keeps_gil(PyThreadState *state) {
    if (attachment::current_state() != state || !attachment::holds_gil()) {
        note_host_has_no_gil();
        return false;
    }
    if (running.runner != nullptr) {
        note_host_has_gil();
    }
    return true;
}

// A call is over that took the GIL; `running` is what it was called from. Calls from inside came
// later than the host's initialization: they found the GIL given up.
bool host_has_gil() {
    if (!inside.is_set || inside.is_running()) {
        return false;
    }
    if (running.runner == nullptr) {
        inside.is_set = false;
    } else {
        note_host_has_gil();
    }
    return true;
}

} // namespace

void hand_over() noexcept {
    if (running.runner == nullptr) {
        return;
    }
    lead_restore_here();
    keeps_restored.store(keeps_gil, std::memory_order_release);
    attachment::ask_before_end(host_has_gil);
    note_host_has_gil();
}

} // namespace epy
