#include "loader/core/call/records.h"

#include <cstddef>
#include <utility>
#include <vector>

#include "loader/core/call/error_value.h"
#include "loader/core/process_lock.h"

namespace epy {

namespace {

constexpr std::size_t drops_before_reuse = 4096;

// Records of dropped callbacks, linked, because a drop must not need memory.
struct dropped_records {
    call_record *oldest = nullptr;
    call_record *newest = nullptr;
    std::size_t count = 0;

    void add(call_record *native) noexcept {
        native->next = nullptr;
        (count++ == 0 ? oldest : newest->next) = native;
        newest = native;
    }
    // Null if none was dropped long enough ago.
    call_record *take() noexcept {
        if (count <= drops_before_reuse) {
            return nullptr;
        }
        --count;
        return std::exchange(oldest, oldest->next);
    }
};

dropped_records dropped;                // guarded by the main interpreter's GIL
dropped_records dropped_in_subs;        // of all others; guarded by the process's lock
std::atomic<call_record *> newest_made; // all records

call_record *taken_record(const sub_interpreter *interpreter) noexcept {
    if (interpreter == nullptr) {
        return dropped.take();
    }
    const process_guard guard;
    return dropped_in_subs.take();
}

} // namespace

void retire::operator()(call_record *native) const noexcept {
    if (native->interpreter == nullptr) {
        dropped.add(native);
    } else {
        const process_guard guard;
        dropped_in_subs.add(native);
    }
}

owned_record new_record(sub_interpreter *interpreter) {
    owned_record made(taken_record(interpreter));
    if (!made) {
        made.reset(new call_record);
        made->made_before = newest_made;
        while (!newest_made.compare_exchange_weak(made->made_before, made.get())) {
        }
    }
    made->interpreter = interpreter;
    return made;
}

void forget_dropped_callbacks(const PyObject *plugin, std::vector<ref> &held) {
    for (call_record *native = dropped.oldest; native != nullptr; native = native->next) {
        if (native->plugin == plugin) {
            held.push_back(std::move(native->last));
            held.push_back(forget_error_value(*native));
            native->plugin = nullptr;
        }
    }
}

void forget_dropped_callbacks(const sub_interpreter &ended) noexcept {
    call_record *next = nullptr;
    {
        const process_guard guard;
        next = dropped_in_subs.oldest;
    }
    while (next != nullptr) {
        ref last; // let go without the lock
        ref error;
        ref kept;
        const process_guard guard;
        if (next->interpreter == &ended) {
            last = std::move(next->last);
            error = forget_error_value(*next);
            kept = std::move(next->kept);
            if (kept) { // its memory goes with the interpreter
                next->head.error[0] = next->head.error[1] = 0;
            }
        }
        next = next->next;
    }
}

void forget_callbacks() noexcept {
    for (call_record *one = newest_made; one != nullptr; one = one->made_before) {
        one->target = nullptr;
        one->plugin = nullptr;
        static_cast<void>(one->last.release());
        static_cast<void>(one->error.release());
        static_cast<void>(one->kept.release());
    }
}

} // namespace epy
