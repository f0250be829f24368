#include "loader/core/call/returned.h"

#include <vector>

#include "loader/core/thread/threads.h"

namespace epy {

void returned_values::keep(ref object) {
    if (known_ends_ != ends_of_threads()) {
        drop_ended_threads();
    }
    const std::shared_ptr<const thread_mark> &thread = this_thread().mark;
    const auto known = by_thread_.find(thread.get());
    if (known != by_thread_.end()) {
        const ref former(std::exchange(known->second.object, std::move(object)));
    } else if (object) {
        by_thread_.emplace(thread.get(), entry{thread, std::move(object)});
    }
}

void returned_values::drop_ended_threads() {
    known_ends_ = ends_of_threads();
    std::vector<ref> dropped; // let go when the map is whole again: that may come back here
    for (auto one = by_thread_.begin(); one != by_thread_.end();) {
        if (has_ended(*one->second.thread)) {
            dropped.push_back(std::move(one->second.object));
            one = by_thread_.erase(one);
        } else {
            ++one;
        }
    }
}

int returned_values::traverse(visitproc visit, void *arg) const {
    for (const auto &[thread, one] : by_thread_) {
        Py_VISIT(one.object.get());
    }
    return 0;
}

} // namespace epy
