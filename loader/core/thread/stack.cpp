#include "loader/core/thread/stack.h"

#include <pthread.h>

#include <cerrno>

#include "loader/core/thread/context.h"
#include "loader/thread_key.h"
#include "stub/own_stack.h"

namespace epy {

constinit thread_local thread_stacks stacks;

namespace {

// Below that a call is not worth starting: reports and exceptions need some room, too.
constexpr std::size_t reserve = 64 << 10;

void use(std::uintptr_t low, std::uintptr_t high) noexcept {
    const bool large = high - low > plenty;
    stacks.low = low;
    stacks.high = high;
    stacks.floor = large ? low + plenty : UINTPTR_MAX;
    stacks.span = large ? high - low - plenty : 0;
}

void ask_for_thread_stack() noexcept {
    pthread_attr_t attributes;
    if (const int problem = pthread_getattr_np(pthread_self(), &attributes); problem != 0) {
        if (problem != ENOMEM) {                        // then the next call asks again
            stacks.thread_low = stacks.thread_high = 1; // every call takes a stack of epy's
        }
        return;
    }
    void *low = nullptr;
    std::size_t size = 0;
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
    stacks.thread_low = reinterpret_cast<std::uintptr_t>(low);
    stacks.thread_high = stacks.thread_low + size;
}

// Once per thread.
void find_thread_stack(std::uintptr_t here) noexcept {
    if (const stack_bounds known = main_stack_around(here); known.high != 0) {
        stacks.thread_low = known.low;
        stacks.thread_high = known.high;
    } else if (is_main_thread()) { // in a coroutine, or its stack has no limit
        call_with_room(ask_for_thread_stack);
    } else {
        ask_for_thread_stack();
    }
}

void unmap(void *stack) noexcept { unmap_stack(stack, own_stack_size); }

// Each thread keeps one stack that is not in use, until it ends.
const thread_key &spare() noexcept {
    static const thread_key key(unmap);
    return key;
}

// The lowest address of a stack, guarded below; null without memory.
void *take_stack() noexcept {
    void *kept = spare().get();
    if (kept != nullptr && spare().set(nullptr)) {
        return kept;
    }
    return map_stack(own_stack_size);
}

void give_back(void *stack) noexcept {
    if (spare().get() != nullptr || !spare().set(stack)) {
        unmap(stack);
    }
}

} // namespace

std::size_t levels_below(std::uintptr_t here, bool &jumped) noexcept {
    if (stacks.thread_high == 0) {
        find_thread_stack(here);
        use(stacks.thread_low, stacks.thread_high);
    }
    if (has_plenty_of_stack(here)) {
        return SIZE_MAX;
    }
    if (here < stacks.low || here >= stacks.high) {
        const bool on_thread_stack = here >= stacks.thread_low && here < stacks.thread_high;
        jumped = on_thread_stack && stacks.left_at <= here;
        return 0;
    }
    const std::size_t room = here - stacks.low;
    return room < little ? 0 : (room - reserve) / bytes_per_level;
}

void drop_spare_stack() noexcept {
    if (void *kept = spare().get(); kept != nullptr && spare().set(nullptr)) {
        unmap(kept);
    }
}

bool run_on_own_stack(std::uintptr_t here, void (*function)(void *), void *argument) noexcept {
    void *low = take_stack();
    if (low == nullptr) {
        return false;
    }
    const thread_stacks before = stacks;
    const std::uintptr_t entered_at = running.entered_at;
    if (here >= stacks.thread_low && here < stacks.thread_high) {
        stacks.left_at = here;
    }
    running.entered_at = call_context::no_entry;
    const auto address = reinterpret_cast<std::uintptr_t>(low);
    use(address, address + own_stack_size);
    call_on_stack(low, own_stack_size, function, argument);
    use(before.low, before.high);
    running.entered_at = entered_at;
    stacks.left_at = before.left_at;
    give_back(low);
    return true;
}

} // namespace epy
