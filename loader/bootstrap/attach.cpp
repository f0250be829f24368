// A start inside dlopen: of a plugin that was built with --eager, or lies beside its script.
//
// The thread holds the dynamic loader's lock and the script needs the GIL. A thread that holds the
// GIL may be waiting for that very lock (an import). So nothing here waits without a limit: neither
// for another thread that is starting Python, nor for the GIL. That is taken by a helper first,
// which sees to it that other threads of Python load no libraries until the script has run. A start
// that cannot be had in time is left to the first call, which comes without the lock.
#include "loader/bootstrap/attach.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

#include "loader/bootstrap/conversions.h"
#include "loader/bootstrap/gil.h"
#include "loader/bootstrap/plugin.h"
#include "loader/bootstrap/python.h"
#include "loader/bootstrap/report.h"
#include "loader/patience.h"
#include "loader/signals_blocked.h"
#include "stub/own_stack.h"
#include "stub/uncancelled.h"

namespace epy {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::seconds limit{2};
constexpr std::chrono::milliseconds between_tries{10};

// Helpers for which nobody waits any more. While there is one, others would wait in vain too, and
// hold up with the dynamic loader's lock who has the GIL.
std::atomic<int> overdue = 0;

// Loading reserved for a thread that must not wait for the GIL itself.
class reservation {
public:
    reservation(const core_api &core, clock::time_point until)
        : core_(core), thread_(pthread_self()), state_(std::make_shared<shared>()) {
        if (overdue != 0) {
            return;
        }
        {
            const signals_blocked quiet;
            std::thread([&core, thread = thread_, state = state_] {
                reserve(core, thread, *state);
            }).detach();
        }
        std::unique_lock guard(state_->mutex);
        state_->changed.wait_until(guard, until, [this] { return state_->made; });
        state_->over = !state_->made;
        overdue += state_->over ? 1 : 0;
    }
    ~reservation() {
        if (state_->made) {
            core_.release_loading(thread_);
        }
    }
    reservation(const reservation &) = delete;
    reservation &operator=(const reservation &) = delete;

    [[nodiscard]] explicit operator bool() const { return state_->made; }

private:
    struct shared {
        std::mutex mutex;
        std::condition_variable changed;
        bool made = false;
        bool over = false; // too late
    };

    static void reserve(const core_api &core, pthread_t thread, shared &state) {
        for (;;) {
            const bool reserved = core.reserve_loading(thread);
            std::unique_lock guard(state.mutex);
            if (state.over) {
                guard.unlock();
                if (reserved) {
                    core.release_loading(thread);
                }
                --overdue;
                return;
            }
            if (reserved) {
                state.made = true;
                state.changed.notify_all();
                return;
            }
            guard.unlock();
            std::this_thread::sleep_for(between_tries);
        }
    }

    const core_api &core_;
    pthread_t thread_;
    std::shared_ptr<shared> state_;
};

turn put_off(const plugin &self, const char *why) {
    report(self.path(), "its script cannot run inside dlopen: %s; %s", why,
           self.is_bare() ? "it has no names until it is loaded again; to have them at once, build "
                            "it with 'epy build'"
                          : "it runs at the first call; build it without --eager");
    return turn::ours;
}

turn run_inside_dlopen(plugin &self) {
    // It can hang for reasons that lie in the host.
    const patience running(
        self.path(), self.is_bare() ? "its script has been running inside dlopen for 5 s, "
                                      "under the dynamic loader's lock; if it hangs, build it "
                                      "with 'epy build'"
                                    : "its script has been running inside dlopen for 5 s, "
                                      "under the dynamic loader's lock; if it hangs, build it "
                                      "without --eager");
    return self.run_script(true);
}

turn start_inside_dlopen(plugin &self) {
    if (is_python_untouched() && foreign_python_is_running()) {
        return put_off(self, "the loading thread does not hold the interpreter lock of the Python "
                             "in this process");
    }
    const clock::time_point until = clock::now() + limit;
    const python_state found = self.find_python(&until);
    if (found == python_state::circular) {
        return put_off(self, "a thread is starting Python meanwhile");
    }
    if (found != python_state::ready) {
        return without_python(found);
    }
    if (!foreign_python_is_running()) {
        return run_inside_dlopen(self);
    }
    // Anew: to find Python, or to start it, may have taken long.
    const reservation alone(*self.core(), clock::now() + limit);
    if (!alone) {
        return put_off(self, "a thread of Python has kept the interpreter lock, or an import, for "
                             "2 s");
    }
    return run_inside_dlopen(self);
}

void attach_here(stub_info *info) noexcept {
    plugin *self = nullptr;
    try {
        self = &plugin::of(info);
        if (self->starting().begin() != turn::ours) {
            return;
        }
        const safe_conversions here;
        self->starting().finish(start_inside_dlopen(*self));
    } catch (const std::exception &problem) { // no memory, no thread
        if (self == nullptr) {
            report("a plugin", "out of memory; it starts at the first call");
        } else {
            self->starting().finish(put_off(*self, problem.what()));
        }
    }
}

} // namespace

void attach(stub_info *info) noexcept {
    const uncancelled start;
    call_with_room([=] { attach_here(info); });
}

} // namespace epy
