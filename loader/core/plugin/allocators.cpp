#include "loader/core/plugin/allocators.h"

#include <atomic>
#include <iterator>

#include "loader/core/py.h"
#include "loader/core/thread/threads.h"
#include "loader/log.h"

namespace epy {

namespace {

// CPython's own.
struct {
    void (*get)(PyMemAllocatorDomain, PyMemAllocatorEx *);
    void (*set)(PyMemAllocatorDomain, PyMemAllocatorEx *);
    void (*get_arena)(PyObjectArenaAllocator *);
    void (*set_arena)(PyObjectArenaAllocator *);
    void (*debug)();
} original;

bool (*is_epys)() noexcept = nullptr;

constexpr unsigned arena = 31;
std::atomic<unsigned> asked_for = 0; // by the host, before its start: a bit for each domain

constexpr unsigned bit(unsigned domain) noexcept { return 1U << domain; }

// Who holds the GIL runs under Python, and knows that it is there.
bool is_before_hosts_start() noexcept { return is_epys() && !attachment::holds_gil(); }

void note_that_asked_for(unsigned domain) noexcept {
    if (is_before_hosts_start()) {
        asked_for |= bit(domain);
    }
}

void complain(const char *function) noexcept {
    static std::atomic<bool> said = false;
    if (!said.exchange(true)) {
        say(log_level::error,
            "epy: the host calls %s after a plugin has started Python: memory stays with the "
            "functions that Python has; let the host call it before a plugin is called",
            function);
    }
}

bool refuses(const char *function, unsigned domain) noexcept {
    if (!is_before_hosts_start() || (asked_for & bit(domain)) != 0) {
        return false;
    }
    complain(function);
    return true;
}

extern "C" {

static void get_allocator(PyMemAllocatorDomain domain, PyMemAllocatorEx *allocator) {
    note_that_asked_for(domain);
    original.get(domain, allocator);
}

static void set_allocator(PyMemAllocatorDomain domain, PyMemAllocatorEx *allocator) {
    if (!refuses("PyMem_SetAllocator", domain)) {
        original.set(domain, allocator);
    }
}

static void get_arena_allocator(PyObjectArenaAllocator *allocator) {
    note_that_asked_for(arena);
    original.get_arena(allocator);
}

static void set_arena_allocator(PyObjectArenaAllocator *allocator) {
    if (!refuses("PyObject_SetArenaAllocator", arena)) {
        original.set_arena(allocator);
    }
}

// They take what lies in front of each block for their own marks.
static void setup_debug_hooks() {
    if (!is_before_hosts_start()) {
        original.debug();
    } else {
        complain("PyMem_SetupDebugHooks");
    }
}

} // extern "C"

} // namespace

void take_allocators(void (*replace_functions)(const void *, const replacement *,
                                               std::size_t) noexcept,
                     bool (*asked)() noexcept) noexcept {
    is_epys = asked;
    const replacement all[] = {
        replaced("PyMem_GetAllocator", get_allocator, original.get),
        replaced("PyMem_SetAllocator", set_allocator, original.set),
        replaced("PyObject_GetArenaAllocator", get_arena_allocator, original.get_arena),
        replaced("PyObject_SetArenaAllocator", set_arena_allocator, original.set_arena),
        replaced("PyMem_SetupDebugHooks", setup_debug_hooks, original.debug),
    };
    replace_functions(reinterpret_cast<const void *>(&Py_GetVersion), all, std::size(all));
}

} // namespace epy
