#include "loader/bootstrap/start.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <utility>

#include "loader/bootstrap/awaited.h"
#include "loader/bootstrap/gil.h"
#include "loader/bootstrap/locks.h"
#include "loader/bootstrap/report.h"

namespace epy {

namespace {

// How long a wait lasts before somebody asks what it waits for.
constexpr std::chrono::seconds a_while{3};

start *all = nullptr;

// The threads that wait, on their own stacks.
struct waiter {
    pthread_t thread;
    const start *what;
    waiter *next;
};
waiter *waiters = nullptr;

} // namespace

void name_list::add(const char *name) noexcept {
    const std::size_t used = std::strlen(text_.data());
    std::snprintf(text_.data() + used, text_.size() - used, "%s%s", used == 0 ? "" : ", ", name);
}

start::start(const char *name, const char *advice) noexcept : name_(name), advice_(advice) {
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

// Whether the thread that starts this waits, through Python's waits too, for the calling one. The
// calling one stays where it is meanwhile, so what was found at the end of the chain is true of its
// beginning. `others` gets the names of the other starts on the way.
bool start::waits_for_this_thread(name_list &others) noexcept {
    constexpr int longest = 64;
    std::unique_lock guard(start_lock());
    pthread_t thread = starter_;
    for (int i = 0; i < longest && state_ == state::starting; ++i) {
        if (pthread_equal(thread, pthread_self()) != 0) {
            return true;
        }
        const start *waits_for = nullptr;
        for (const waiter *one = waiters; one != nullptr; one = one->next) {
            const bool is_it = pthread_equal(one->thread, thread) != 0 &&
                               one->what->state_ == state::starting; // else it is just leaving
            waits_for = is_it ? one->what : waits_for;
        }
        if (waits_for != nullptr) {
            thread = waits_for->starter_;
        } else {
            guard.unlock();
            const bool found = find_awaited(thread, thread);
            guard.lock();
            if (!found) {
                return false;
            }
        }
        for (const start *one = all; one != nullptr; one = one->next_) {
            if (one != this && one->state_ == state::starting &&
                pthread_equal(one->starter_, thread) != 0) {
                others.add(one->name_);
            }
        }
    }
    return false;
}

void start::say_that_it_lasts(pid_t starter, const name_list &others) const noexcept {
    report(name_,
           "thread %d has been waiting for %d s for its start, which runs in thread %d%s%s: %s",
           gettid(), static_cast<int>(2 * a_while.count()), starter,
           others.empty() ? "" : " and waits for that of ", others.text(), advice_);
}

// With the lock. False if it would never end.
bool start::wait(std::unique_lock<std::mutex> &guard, name_list &others) noexcept {
    const auto is_over = [this] { return state_ != state::starting; };
    for (int round = 1; !start_changed().wait_for(guard, a_while, is_over); ++round) {
        guard.unlock();
        others.clear();
        const bool never = waits_for_this_thread(others);
        guard.lock();
        if (never && !is_over()) {
            return false;
        }
        if (round >= 2 && !std::exchange(said_, true)) {
            const pid_t starter = starter_number_;
            guard.unlock(); // the host's sink may call a plugin
            say_that_it_lasts(starter, others);
            guard.lock();
        }
    }
    return true;
}

turn start::begin(const std::chrono::steady_clock::time_point *until, name_list *circle) noexcept {
    for (;;) {
        std::unique_lock guard(start_lock());
        switch (state_) {
        case state::fresh:
            state_ = state::starting;
            starter_ = pthread_self();
            starter_number_ = gettid();
            ran_out_ = false;
            return turn::ours;
        case state::ready:
            return turn::ready;
        case state::failed:
            return turn::failed;
        case state::starting:
            if (would_wait_for_ever() || (until != nullptr && ran_out_)) {
                return turn::circular;
            }
            break;
        }
        waiter self{pthread_self(), this, waiters};
        waiters = &self;
        guard.unlock();
        name_list others;
        bool ends = true;
        {
            const gil_release without_gil; // the starter may need it
            guard.lock();
            ends = until == nullptr ? wait(guard, others)
                                    : start_changed().wait_until(guard, *until, [this] {
                                          return state_ != state::starting;
                                      });
            ran_out_ |= !ends && until != nullptr;
            waiter **link = &waiters;
            while (*link != &self) {
                link = &(*link)->next;
            }
            *link = self.next;
            guard.unlock(); // never held while waiting for the GIL
        }
        if (!ends) {
            if (circle != nullptr) {
                *circle = others;
            }
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

void start::renew() noexcept {
    const std::scoped_lock guard(start_lock());
    if (state_ != state::starting) {
        state_.store(state::fresh, std::memory_order_release);
    }
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
