// A thread's state in a sub-interpreter, which it keeps from one call to the next.
//
// It is in two lists: the thread's, which that alone walks, and its interpreter's. Whichever ends
// first leaves it to the other: a thread that ends takes no GIL, so the next call in the
// interpreter clears its state; an interpreter that ends clears all states, and each thread throws
// what is left of its own away when it comes by. A forked child has but the thread that forked: the
// others have ended there.
#pragma once

#include <atomic>

#include "loader/core/cpython.h"

namespace epy {

class kept_states;

class kept_state {
public:
    ~kept_state() = default;
    kept_state(const kept_state &) = delete;
    kept_state &operator=(const kept_state &) = delete;

private:
    friend class kept_states;
    friend struct threads_list;
    explicit kept_state(kept_states &whose) noexcept : interpreter_(whose) {}

    kept_states &interpreter_;
    std::atomic<PyThreadState *> state_{nullptr}; // null once the interpreter has ended
    bool thread_ended_ = false;                   // guarded by the process's lock
    kept_state *next_of_thread_ = nullptr;
    kept_state *next_of_interpreter_ = nullptr; // guarded by the process's lock
};

// Those of one interpreter.
class kept_states {
public:
    // This thread's, made if it has none; null without memory. The interpreter does not end
    // meanwhile.
    PyThreadState *of_this_thread(PyInterpreterState *) noexcept;

    // Those of threads that have ended go. With the interpreter's GIL.
    void clear_ended() noexcept {
        if (some_ended_.load(std::memory_order_relaxed)) [[unlikely]] {
            clear(false);
        }
    }
    // All go but the current one: the interpreter ends, no call runs in it. With its GIL.
    void clear_all() noexcept { clear(true); }

private:
    friend struct threads_list;

    void clear(bool all) noexcept;
    kept_state *take_one(bool all) noexcept;
    PyThreadState *made_for_this_thread(PyInterpreterState *) noexcept;

    kept_state *first_ = nullptr; // guarded by the process's lock
    std::atomic<bool> some_ended_{false};
    kept_states *next_ = nullptr; // of all that have ever had a state; guarded likewise
    bool listed_ = false;
};

} // namespace epy
