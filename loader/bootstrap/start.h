// Something that is started once by whichever thread needs it first: Python, or a plugin.
//
// Others wait, without holding the GIL. A wait that could never end is refused instead: a thread
// that waits for what it is starting itself (a call from inside the start), or for what a thread
// starts that waits, in however many steps, for this one.
#pragma once

#include <pthread.h>

#include <atomic>
#include <chrono>

namespace epy {

enum class turn {
    ours,    // begin() made the caller the starter, who has to call finish()
    ready,   // started
    failed,  // started without success
    circular // started by a thread that waits for this one, or by this one
};

class start {
public:
    [[nodiscard]] turn begin() noexcept { return begin(nullptr); }
    // The same, but a wait that is not over by then is refused like one that never ends.
    [[nodiscard]] turn begin(const std::chrono::steady_clock::time_point *until) noexcept;
    void finish(turn outcome) noexcept; // ready or failed; ours: not started after all
    [[nodiscard]] bool is_ready() const noexcept {
        return state_.load(std::memory_order_acquire) == state::ready;
    }
    [[nodiscard]] bool is_fresh() const noexcept {
        return state_.load(std::memory_order_acquire) == state::fresh;
    }
    start() noexcept;
    ~start();
    start(const start &) = delete;
    start &operator=(const start &) = delete;

    // In a forked child, which has one thread: what others were starting has failed.
    static void forget_other_threads() noexcept;

private:
    enum class state { fresh, starting, ready, failed };

    [[nodiscard]] bool would_wait_for_ever() const noexcept;

    std::atomic<state> state_ = state::fresh; // changed under start_lock()
    pthread_t starter_{};
    start *next_ = nullptr; // all starts, for fork
};

} // namespace epy
