// What a host may still look at after a call: what a callback returned last, on each thread.
//
// A thread's next return from the callback replaces it. What a thread leaves behind that ends stays
// until the next return on any other. All of it goes with the callback, at the latest when the
// plugin is unloaded, and is known to the garbage collector: a descriptor leads to functions, those
// to their module, and that back to the callback.
#pragma once

#include <memory>
#include <unordered_map>

#include "loader/core/py.h"

namespace epy {

struct thread_mark;

// All of it needs the GIL.
class returned_values {
public:
    // Of the calling thread; empty if the host got nothing to look at. Lets the former go, which
    // may run Python code.
    void keep(ref object);

    int traverse(visitproc visit, void *arg) const;

private:
    struct entry {
        std::shared_ptr<const thread_mark> thread;
        ref object;
    };

    void drop_ended_threads();

    std::unordered_map<const thread_mark *, entry> by_thread_;
    unsigned known_ends_ = 0;
};

} // namespace epy
