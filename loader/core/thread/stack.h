// Room on the stack for Python.
//
// Python counts how deep calls nest, up to a limit that is made for stacks of 8 MB. Hosts call from
// threads with 64 KB, from coroutines, from signal stacks: there a runaway recursion would end the
// process long before Python's limit. So each call from the host compares its stack pointer with
// the stack it is on:
//
//   plenty   Python's whole limit fits: nothing to do, one comparison
//   scarce   Python's limit is lowered to what fits, for this call
//   little   Python runs on a stack of epy's own, also on stacks that epy does not know
//
// "little" is not taken for more stacks than it must be, because some hosts (the JVM, V8) look at
// the stack pointer themselves when Python calls them back, and have threads of 1 MB.
#pragma once

#include <cstddef>
#include <cstdint>

namespace epy {

// One level of Python's limit takes at most this much. The most that the standard library takes was
// measured for list.sort(key=) that recurs into itself: 4.3 KB on CPython 3.11.
inline constexpr std::size_t bytes_per_level = 5 << 10;
inline constexpr std::size_t plenty = 1000 * bytes_per_level;
inline constexpr std::size_t little = 512 << 10;
inline constexpr std::size_t own_stack_size = 8 << 20;

// What one thread knows of its stacks.
struct thread_stacks {
    // Of the stack in use, low and high end; 0 if it is not known yet.
    std::uintptr_t low = 0;
    std::uintptr_t high = 0;
    // There is plenty of room where `stack pointer - floor <= span`.
    std::uintptr_t floor = 0;
    std::uintptr_t span = 0;
    // The thread's own stack, and the stack pointer where it was left for one of epy's.
    std::uintptr_t thread_low = 0;
    std::uintptr_t thread_high = 0;
    std::uintptr_t left_at = UINTPTR_MAX;
};

extern constinit thread_local thread_stacks stacks [[gnu::tls_model("initial-exec")]];

inline bool has_plenty_of_stack(std::uintptr_t here) noexcept {
    return here - stacks.floor <= stacks.span;
}

// How many levels of Python's limit fit below `here`; 0 if that is too little to run Python there.
// May find out that there is plenty (SIZE_MAX). `jumped`: a call that has left this stack for one
// of epy's cannot be running any more.
std::size_t levels_below(std::uintptr_t here, bool &jumped) noexcept;

// Runs `function(argument)` on a stack of epy's. False if there is no memory for one.
[[nodiscard]] bool run_on_own_stack(std::uintptr_t here, void (*function)(void *),
                                    void *argument) noexcept;

template <typename Work>
[[nodiscard]] bool run_on_own_stack(std::uintptr_t here, Work work) noexcept {
    return run_on_own_stack(
        here, [](void *argument) { (*static_cast<Work *>(argument))(); }, &work);
}

// Runs long work that no host sits below (a start, an import) with plenty of room, if it can be
// had.
template <typename Work> void run_with_plenty_of_stack(Work work) noexcept {
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    bool jumped = false;
    if (has_plenty_of_stack(here) || levels_below(here, jumped) == SIZE_MAX ||
        !run_on_own_stack(here, work)) {
        work();
    }
}

// At its end the thread would call what is unmapped by then.
void drop_spare_stack() noexcept;

} // namespace epy
