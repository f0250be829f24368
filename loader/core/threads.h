// Host threads and the GIL.
//
// A thread that Python has not seen gets a thread state on its first call, and keeps it: making one
// costs fifty calls. Only such states, which nobody else can free, are remembered per thread; a
// state that Python or the host made is looked up at each call.
//
// When a thread ends, nothing takes the GIL, because the host may be joining the thread while it
// holds it. The state goes on a list, which the next call that holds the GIL clears.
#pragma once

#include <unordered_map>

#include "py.h"

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
    attachment();
    ~attachment();
    attachment(const attachment &) = delete;
    attachment &operator=(const attachment &) = delete;

    // False if there is no Python (any more): no Python work is possible.
    explicit operator bool() const noexcept { return attached_; }

private:
    PyThreadState *suspended_ = nullptr; // another state of this thread that held the GIL
    bool attached_ = false;
    bool taken_ = false; // the GIL was not ours before
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
