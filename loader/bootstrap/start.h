// Something that is started once by whichever thread needs it first: Python, or a plugin.
//
// Others wait, without holding the GIL. A wait that could never end is refused instead: a thread
// that waits for what it is starting itself (a call from inside the start), or for what a thread
// starts that waits, in however many steps, for this one. Waits for a start are known here at once;
// those inside Python (Thread.join) are looked up when a wait has lasted for seconds. A wait that
// goes on says so, once.
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <array>
#include <atomic>
#include <chrono>
#include <mutex>

namespace epy {

// Names, separated by commas, as far as there is room: a wait needs no memory.
class name_list {
public:
    void add(const char *name) noexcept;
    void clear() noexcept { text_[0] = '\0'; }
    [[nodiscard]] bool empty() const noexcept { return text_[0] == '\0'; }
    [[nodiscard]] const char *text() const noexcept { return text_.data(); }

private:
    std::array<char, 512> text_{};
};

enum class turn {
    ours,     // begin() made the caller the starter, who has to call finish()
    ready,    // started
    failed,   // started without success
    circular, // started by a thread that waits for this one, or by this one
    absent    // there is nothing to start with: the next call tries again
};

class start {
public:
    // A wait that is not over at the time `until`, if given, is refused like one that never ends.
    // So are at once all that have a limit and come later: they hold up the starter (it needs the
    // dynamic loader's lock, which they have), and one after another they would for ever.
    // `circle`, if the outcome is circular and other starts are part of it: their names.
    [[nodiscard]] turn begin(const std::chrono::steady_clock::time_point *until = nullptr,
                             name_list *circle = nullptr) noexcept;
    void finish(turn outcome) noexcept; // ready or failed; others: not started after all
    void renew() noexcept;              // what was started is gone
    [[nodiscard]] bool is_ready() const noexcept {
        return state_.load(std::memory_order_acquire) == state::ready;
    }
    [[nodiscard]] bool is_fresh() const noexcept {
        return state_.load(std::memory_order_acquire) == state::fresh;
    }
    [[nodiscard]] bool is_starting() const noexcept {
        return state_.load(std::memory_order_acquire) == state::starting;
    }
    // For the line about a wait that lasts, both stay: what is started, and what must not be.
    start(const char *name, const char *advice) noexcept;
    ~start();
    start(const start &) = delete;
    start &operator=(const start &) = delete;

    // In a forked child, which has one thread: what others were starting has failed.
    static void forget_other_threads() noexcept;

private:
    enum class state { fresh, starting, ready, failed };

    [[nodiscard]] bool would_wait_for_ever() const noexcept;
    bool wait(std::unique_lock<std::mutex> &guard, name_list &others) noexcept;
    bool waits_for_this_thread(name_list &others) noexcept;
    void say_that_it_lasts(pid_t starter, const name_list &others) const noexcept;

    std::atomic<state> state_ = state::fresh; // changed under start_lock()
    const char *name_;
    const char *advice_;
    pthread_t starter_{};
    pid_t starter_number_ = 0;
    bool said_ = false;
    bool ran_out_ = false;  // a wait with a limit, for the present starter
    start *next_ = nullptr; // all starts, for fork
};

} // namespace epy
