#include "loader/core/call/records.h"

#include <cstddef>
#include <utility>
#include <vector>

#include "loader/core/call/error_value.h"
#include "loader/core/thread/sub_interpreter.h"

namespace epy {

namespace {

constexpr std::size_t drops_before_reuse = 4096;

dropped_records dropped_in_main;
std::atomic<call_record *> newest_made; // all records

dropped_records &dropped_in(sub_interpreter *interpreter) noexcept {
    return interpreter == nullptr ? dropped_in_main : interpreter->dropped;
}

} // namespace

void dropped_records::add(call_record *native) noexcept {
    native->next = nullptr;
    (count++ == 0 ? oldest : newest->next) = native;
    newest = native;
}

call_record *dropped_records::take() noexcept {
    if (count <= drops_before_reuse) {
        return nullptr;
    }
    --count;
    return std::exchange(oldest, oldest->next);
}

void retire::operator()(call_record *native) const noexcept {
    dropped_in(native->interpreter).add(native);
}

owned_record new_record(sub_interpreter *interpreter) {
    owned_record made(dropped_in(interpreter).take());
    if (!made) {
        made.reset(new call_record(interpreter));
        made->made_before = newest_made;
        while (!newest_made.compare_exchange_weak(made->made_before, made.get())) {
        }
    }
    return made;
}

void forget_dropped_callbacks(const module_state &state, const PyObject *plugin,
                              std::vector<ref> &held) {
    for (call_record *native = dropped_in(state.interpreter).oldest; native != nullptr;
         native = native->next) {
        if (native->plugin == plugin) {
            held.push_back(std::move(native->last));
            held.push_back(forget_error_value(*native));
            native->plugin = nullptr;
        }
    }
}

void forget_dropped_callbacks(const sub_interpreter &ended) noexcept {
    for (call_record *native = ended.dropped.oldest; native != nullptr; native = native->next) {
        const ref last = std::move(native->last);
        const ref error = forget_error_value(*native);
        const ref kept = std::move(native->kept);
        if (kept) { // its memory goes with the interpreter
            native->head.error[0] = native->head.error[1] = 0;
        }
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
