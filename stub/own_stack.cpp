#include "stub/own_stack.h"

#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

extern "C" [[gnu::visibility("hidden")]] void epy_call_on_stack(void *top, void (*function)(void *),
                                                                void *argument);
// Not in the C library itself before glibc 2.34.
extern "C" [[gnu::weak]] int pthread_getattr_np(pthread_t, pthread_attr_t *) noexcept;

namespace epy {

namespace {

constexpr std::size_t guard_size = 64 << 10;
constexpr std::size_t room = 256 << 10;      // to open a library takes some 10 KB
constexpr std::size_t largest = 8 << 20;     // of a main stack without a limit
constexpr std::size_t kept_free = 128 << 20; // below the main stack, by the kernel
constexpr std::uintptr_t page_size = 4096;

std::byte *bytes(void *low) noexcept { return static_cast<std::byte *>(low); }

// It is told apart by where it begins.
bool has_room_on_main_stack(std::uintptr_t here) noexcept {
    const std::uintptr_t top = getauxval(AT_EXECFN);
    rlimit limit{};
    if (here >= top || getrlimit(RLIMIT_STACK, &limit) != 0) {
        return false;
    }
    const std::size_t size = limit.rlim_cur < largest ? limit.rlim_cur : largest;
    return size > room && top - here < size - room;
}

bool has_room_on_threads_stack(std::uintptr_t here) noexcept {
    pthread_attr_t attributes;
    if (is_main_thread() || pthread_getattr_np == nullptr ||
        pthread_getattr_np(pthread_self(), &attributes) != 0) {
        return false;
    }
    void *start = nullptr;
    std::size_t size = 0;
    pthread_attr_getstack(&attributes, &start, &size);
    pthread_attr_destroy(&attributes);
    const auto low = reinterpret_cast<std::uintptr_t>(start);
    return here >= low && here - low < size && here - low > room;
}

#if defined(__SANITIZE_ADDRESS__)
struct announced_work {
    void (*function)(void *);
    void *argument;
    const void *host_low;
    std::size_t host_size;

    static void run(void *self) {
        auto *work = static_cast<announced_work *>(self);
        __sanitizer_finish_switch_fiber(nullptr, &work->host_low, &work->host_size);
        work->function(work->argument);
        __sanitizer_start_switch_fiber(nullptr, work->host_low, work->host_size);
    }
};
#endif

} // namespace

bool is_main_thread() noexcept { return syscall(SYS_gettid) == syscall(SYS_getpid); }

stack_bounds main_stack_around(std::uintptr_t here) noexcept {
    const std::uintptr_t top = getauxval(AT_EXECFN);
    rlimit limit{};
    if (here >= top || getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur > kept_free ||
        top - here >= limit.rlim_cur) {
        return {};
    }
    const std::uintptr_t high = (top + page_size - 1) & ~(page_size - 1);
    return {high - limit.rlim_cur, high};
}

void *map_stack(std::size_t size) noexcept {
    void *made = mmap(nullptr, size + guard_size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (made == MAP_FAILED) {
        return nullptr;
    }
    if (mprotect(made, guard_size, PROT_NONE) != 0) { // the process has too many mappings
        munmap(made, size + guard_size);
        return nullptr;
    }
    return bytes(made) + guard_size;
}

void unmap_stack(void *low, std::size_t size) noexcept {
    munmap(bytes(low) - guard_size, size + guard_size);
}

#if defined(__SANITIZE_ADDRESS__)
void call_on_stack(void *low, std::size_t size, void (*function)(void *), void *argument) {
    announced_work work = {function, argument, nullptr, 0};
    void *fake_stack = nullptr;
    __sanitizer_start_switch_fiber(&fake_stack, low, size);
    epy_call_on_stack(bytes(low) + size, announced_work::run, &work);
    __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
}
#else
void call_on_stack(void *low, std::size_t size, void (*function)(void *), void *argument) {
    epy_call_on_stack(bytes(low) + size, function, argument);
}
#endif

void call_with_room(void (*function)(void *), void *argument) {
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    constexpr std::size_t size = 2 * room;
    void *low =
        has_room_on_main_stack(here) || has_room_on_threads_stack(here) ? nullptr : map_stack(size);
    if (low == nullptr) {
        function(argument);
        return;
    }
    call_on_stack(low, size, function, argument);
    unmap_stack(low, size);
}

} // namespace epy
