// What the core keeps for each of the host's threads, and the list of them all. Its functions take
// a lock of their own, for a moment: with the GIL or without.
#pragma once

#include <atomic>
#include <memory>

#include "loader/core/py.h"

namespace epy {

// What outlives a thread of it, for those who keep things by thread.
struct thread_mark {
    std::atomic<bool> ended = false;
    // How many forks were before: a child has but the thread that forked.
    std::atomic<unsigned> process = 0;
};

// One thread's. It stays for a while after the thread.
struct thread_block {
    PyThreadState *made_state = nullptr; // by epy, to be cleared after the thread
    unsigned generation = 0;             // of the Python that it belongs to
    std::shared_ptr<thread_mark> mark;
    std::atomic<bool> is_inside = false; // of an attachment that waits for the GIL or has taken it
    thread_block *next_ended = nullptr;
    thread_block *next_known = nullptr; // of all
    thread_block **known_at = nullptr;  // what points to it
};

// May throw std::bad_alloc. make_known puts it on the list, make_unknown takes it off.
std::unique_ptr<thread_block> make_block();
void make_known(thread_block *) noexcept;
void make_unknown(const thread_block *) noexcept;

// Whether the thread is known to have ended.
bool has_ended(const thread_mark &) noexcept;

// Whether a thread other than that of `own` is inside. `own` may be null.
bool is_another_inside(const thread_block *own) noexcept;

// No thread is inside: what was belongs to a Python that is gone.
void forget_who_is_inside() noexcept;

// A forked child has no thread but that of `own`, which may be null.
void forget_other_threads(thread_block *own) noexcept;

} // namespace epy
