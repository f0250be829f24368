#include "loader/core/thread/kept_state.h"

#include <pthread.h>

#include <new>
#include <utility>

#include "loader/core/process_lock.h"
#include "loader/thread_key.h"

namespace epy {

namespace {

kept_states *all = nullptr; // guarded by the process's lock

} // namespace

// What this thread has: the first of its list is a thread-specific value.
struct threads_list {
    static kept_state *first() noexcept { return static_cast<kept_state *>(key().get()); }
    [[nodiscard]] static bool begin_with(kept_state *one) noexcept { return key().set(one); }

    // The states that others may still see as this thread's. Stale ones are thrown away.
    static kept_state *find(const kept_states &whose) noexcept {
        kept_state *before = nullptr;
        kept_state *one = first();
        while (one != nullptr && (one->state_ == nullptr || &one->interpreter_ != &whose)) {
            kept_state *const next = one->next_of_thread_;
            if (one->state_ != nullptr) {
                before = one;
            } else if (before != nullptr) {
                before->next_of_thread_ = next;
                delete one;
            } else if (begin_with(next)) {
                delete one;
            }
            one = next;
        }
        return one;
    }

private:
    static const thread_key &key() noexcept {
        static const thread_key the_key = [] {
            pthread_atfork(nullptr, nullptr, forget_other_threads);
            return thread_key(leave_all);
        }();
        return the_key;
    }

    // The thread ends.
    static void leave_all(void *first) noexcept {
        const process_guard guard;
        auto *next = static_cast<kept_state *>(first);
        while (next != nullptr) {
            kept_state *const one = std::exchange(next, next->next_of_thread_);
            if (one->state_ == nullptr) {
                delete one;
            } else {
                one->thread_ended_ = true;
                one->interpreter_.some_ended_ = true;
            }
        }
    }

    static bool is_mine(const kept_state *one) noexcept {
        const kept_state *mine = first();
        while (mine != nullptr && mine != one) {
            mine = mine->next_of_thread_;
        }
        return mine != nullptr;
    }

    static void forget_other_threads() noexcept {
        const process_guard guard;
        for (kept_states *each = all; each != nullptr; each = each->next_) {
            for (kept_state *one = each->first_; one != nullptr; one = one->next_of_interpreter_) {
                if (!is_mine(one)) {
                    one->thread_ended_ = true;
                    each->some_ended_ = true;
                }
            }
        }
    }
};

PyThreadState *kept_states::made_for_this_thread(PyInterpreterState *interpreter) noexcept {
    auto *const made = new (std::nothrow) kept_state(*this);
    if (made == nullptr) {
        return nullptr;
    }
    made->next_of_thread_ = threads_list::first();
    made->state_ = threads_list::begin_with(made) ? cpython::new_state(interpreter) : nullptr;
    if (made->state_ == nullptr) { // to be thrown away if it is in the list
        if (threads_list::first() != made || threads_list::begin_with(made->next_of_thread_)) {
            delete made;
        }
        return nullptr;
    }
    const process_guard guard;
    made->next_of_interpreter_ = std::exchange(first_, made);
    if (!std::exchange(listed_, true)) {
        next_ = std::exchange(all, this);
    }
    return made->state_;
}

PyThreadState *kept_states::of_this_thread(PyInterpreterState *interpreter) noexcept {
    const kept_state *const known = threads_list::find(*this);
    return known == nullptr ? made_for_this_thread(interpreter) : known->state_.load();
}

kept_state *kept_states::take_one(bool all) noexcept {
    const process_guard guard;
    kept_state **link = &first_;
    while (*link != nullptr && !all && !(*link)->thread_ended_) {
        link = &(*link)->next_of_interpreter_;
    }
    kept_state *const one = *link;
    if (one != nullptr) {
        *link = one->next_of_interpreter_;
    }
    return one;
}

// Clearing a state runs destructors of Python objects, so that calls may nest.
void kept_states::clear(bool all) noexcept {
    PyThreadState *const current = cpython::current_state();
    some_ended_ = false;
    while (kept_state *const one = take_one(all)) {
        PyThreadState *const state = one->state_;
        if (state != current) { // else it goes with the interpreter
            PyThreadState_Clear(state);
            cpython::unbind_from_ensure(state);
            PyThreadState_Delete(state);
        }
        const process_guard guard;
        const bool is_ours = one->thread_ended_;
        one->state_ = nullptr; // from here on the thread may delete it
        if (is_ours) {
            delete one;
        }
    }
}

} // namespace epy
