#include "start.h"

#include "gil.h"
#include "locks.h"

namespace epy {

namespace {

start *all = nullptr;

// The threads that wait, on their own stacks.
struct waiter {
    pthread_t thread;
    const start *what;
    waiter *next;
};
waiter *waiters = nullptr;

} // namespace

start::start() noexcept {
    const std::scoped_lock guard(start_lock());
    next_ = all;
    all = this;
}

start::~start() {
    const std::scoped_lock guard(start_lock());
    for (start **link = &all; *link != nullptr; link = &(*link)->next_) {
        if (*link == this) {
            *link = next_;
            break;
        }
    }
}

bool start::would_wait_for_ever() const noexcept {
    const start *what = this;
    while (what != nullptr && what->state_ == state::starting) {
        if (pthread_equal(what->starter_, pthread_self()) != 0) {
            return true;
        }
        const waiter *blocked = waiters;
        while (blocked != nullptr && pthread_equal(blocked->thread, what->starter_) == 0) {
            blocked = blocked->next;
        }
        what = blocked == nullptr ? nullptr : blocked->what;
    }
    return false;
}

turn start::begin(const std::chrono::steady_clock::time_point *until) noexcept {
    for (;;) {
        std::unique_lock guard(start_lock());
        switch (state_) {
        case state::fresh:
            state_ = state::starting;
            starter_ = pthread_self();
            return turn::ours;
        case state::ready:
            return turn::ready;
        case state::failed:
            return turn::failed;
        case state::starting:
            if (would_wait_for_ever()) {
                return turn::circular;
            }
            break;
        }
        waiter self{pthread_self(), this, waiters};
        waiters = &self;
        guard.unlock();
        bool in_time = true;
        {
            const gil_release without_gil; // the starter may need it
            guard.lock();
            const auto is_over = [this] { return state_ != state::starting; };
            if (until == nullptr) {
                start_changed().wait(guard, is_over);
            } else {
                in_time = start_changed().wait_until(guard, *until, is_over);
            }
            waiter **link = &waiters;
            while (*link != &self) {
                link = &(*link)->next;
            }
            *link = self.next;
            guard.unlock(); // never held while waiting for the GIL
        }
        if (!in_time) {
            return turn::circular;
        }
    }
}

void start::finish(turn outcome) noexcept {
    const std::scoped_lock guard(start_lock());
    const state next = outcome == turn::ready    ? state::ready
                       : outcome == turn::failed ? state::failed
                                                 : state::fresh;
    state_.store(next, std::memory_order_release);
    start_changed().notify_all();
}

void start::forget_other_threads() noexcept {
    waiters = nullptr;
    for (start *one = all; one != nullptr; one = one->next_) {
        if (one->state_ == state::starting && pthread_equal(one->starter_, pthread_self()) == 0) {
            one->state_ = state::failed;
        }
    }
}

} // namespace epy
