// Host threads and the GIL.
//
// A thread that Python has not seen gets a thread state on its first call, and keeps it: making one
// costs fifty calls. Only such states, which nobody else can free, are remembered per thread; a
// state that Python or the host made is looked up at each call.
//
// When a thread ends, nothing takes the GIL, because the host may be joining the thread while it
// holds it. The state goes on a list, which the next call that holds the GIL clears.
#pragma once

#include <atomic>
#include <unordered_map>

#include "py.h"
#include "unwinding.h"

namespace epy {

// What the core keeps for one host thread.
struct thread_block {
    PyThreadState *state = nullptr;                 // made by epy, or null
    bool outlives_thread = false;                   // Python's main state: never cleared
    std::unordered_map<const void *, ref> returned; // by record: what the host may still look at
    thread_block *next = nullptr;
};

// Holds the GIL with this thread's state for a scope.
class attachment {
public:
    // May not return: a Python that finalizes ends or parks the thread.
    attachment() {
        if (!usable.load(std::memory_order_acquire)) [[unlikely]] {
            return;
        }
        PyThreadState *own = mine == nullptr ? nullptr : mine->state;
        if (own == nullptr) [[unlikely]] {
            attach_unknown_thread();
            return;
        }
        attached_ = true;
        PyThreadState *const current = current_state();
        if (current != own) {
            take(own, current);
        }
    }
    ~attachment() {
        if (taken_) {
            PyEval_SaveThread();
            allow_cancellation(cancellation_);
        }
        if (suspended_ != nullptr) [[unlikely]] {
            PyEval_RestoreThread(suspended_);
        }
    }
    attachment(const attachment &) = delete;
    attachment &operator=(const attachment &) = delete;

    // False if there is no Python (any more): no Python work is possible.
    explicit operator bool() const noexcept { return attached_; }

private:
    void attach_unknown_thread();

    static PyThreadState *current_state() noexcept {
#if PY_VERSION_HEX >= 0x030d0000
        return PyThreadState_GetUnchecked();
#else
        return _PyThreadState_UncheckedGet();
#endif
    }

    void take(PyThreadState *own, [[maybe_unused]] PyThreadState *current) {
#if PY_VERSION_HEX >= 0x030c0000
        // Since 3.12 the current state is this thread's: one of another interpreter.
        if (current != nullptr) {
            suspended_ = PyEval_SaveThread();
        }
#endif
        taken_ = true;
        cancellation_ = put_off_cancellation();
        run_python([own] { PyEval_RestoreThread(own); });
        if (ended.load(std::memory_order_relaxed) != nullptr) [[unlikely]] {
            clear_ended_threads();
        }
    }

    static void clear_ended_threads();

    // Python can be used: the core is imported and nothing finalizes.
    static std::atomic<bool> usable;
    // Blocks of threads that have ended.
    static std::atomic<thread_block *> ended;
    static constinit thread_local thread_block *mine [[gnu::tls_model("initial-exec")]];

    friend thread_block &this_thread();
    friend void stop_attaching() noexcept;
    friend bool is_attaching_stopped() noexcept;
    friend void start_attaching() noexcept;
    friend void forget_ended_threads() noexcept;
    friend struct thread_end;

    PyThreadState *suspended_ = nullptr; // another state of this thread that held the GIL
    bool attached_ = false;
    int cancellation_ = 0; // of the host, while taken
    bool taken_ = false;   // the GIL was not ours before
};

// The block of the calling thread. Only inside an attachment.
thread_block &this_thread();

// Python was started by this thread, which holds the GIL: its state is epy's for good.
void adopt_main_state();

// Python is being finalized, or the core's module dies: no attachment succeeds any more.
void stop_attaching() noexcept;
bool is_attaching_stopped() noexcept;
void start_attaching() noexcept;

// A forked child: states of other threads are gone already.
void forget_ended_threads() noexcept;

} // namespace epy
