// A stack of epy's own, for work that the one of the host has too little room for: hosts call from
// threads with 16 KB, from coroutines, from signal stacks. Freestanding: the stub opens the loader
// on one, the loader Python, the core runs Python on one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace epy {

// The lowest address of a new stack, guarded below; null without memory.
[[nodiscard]] void *map_stack(std::size_t size) noexcept;
void unmap_stack(void *low, std::size_t size) noexcept;

// Where a stack begins and ends.
struct stack_bounds {
    std::uintptr_t low = 0;
    std::uintptr_t high = 0;
};

// Of the main thread's, which may grow up to its limit, if `here` is on it. Zeros otherwise, and
// without a limit.
[[nodiscard]] stack_bounds main_stack_around(std::uintptr_t here) noexcept;

// What the C library knows of the main thread's stack it reads from the process's map, which takes
// several KB of the stack that it is asked on. Of other threads it knows. (A thread that has forked
// is the child's main thread.)
[[nodiscard]] bool is_main_thread() noexcept;

void call_on_stack(void *low, std::size_t size, void (*function)(void *), void *argument);

// Calls `function(argument)` where there is room to open shared objects: on the caller's stack, on
// one of epy's own, and without memory for that on the caller's all the same.
void call_with_room(void (*function)(void *), void *argument);

template <typename Work> void call_with_room(Work work) {
    call_with_room([](void *self) { (*static_cast<Work *>(self))(); }, &work);
}

} // namespace epy
