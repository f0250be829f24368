#include "loader/core/plugin/allocators.h"

#include <pthread.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <new>
#include <type_traits>

#include "loader/core/py.h"
#include "loader/core/thread/patient_attachment.h"
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

// Who holds the GIL runs under Python, and knows that it is there.
bool is_before_hosts_start() noexcept { return is_epys() && !attachment::holds_gil(); }

void complain(const char *function) noexcept {
    static std::atomic<bool> said = false;
    if (!said.exchange(true)) {
        say(log_level::error,
            "epy: the host calls %s after a plugin has started Python: memory stays with the "
            "functions that Python has; let the host call it before a plugin is called",
            function);
    }
}

constexpr int arenas = -1; // beside the domains

// ---- a trial

// The block that a host's functions must get, and give on, as it is. They are called outside the
// GIL: nothing of Python's is touched.
struct trial {
    static constexpr std::size_t size = 4096;

    explicit trial(int of) noexcept : domain(of), block(std::aligned_alloc(size, size)) {}
    ~trial() { std::free(block); }
    trial(const trial &) = delete;
    trial &operator=(const trial &) = delete;

    [[nodiscard]] void *give(int whose, std::size_t wanted) const noexcept {
        return whose == domain && wanted <= size ? block : nullptr;
    }
    void take_back(int whose, const void *memory) noexcept {
        is_back = whose == domain && memory == block;
    }
    // Whether a host's function gave `given` on, and takes it back.
    template <typename Free> bool has_passed(void *given, Free free) noexcept {
        is_back = false;
        if (given != nullptr) {
            free(given);
        }
        return given != nullptr && given == block && is_back;
    }

    const int domain;
    void *const block;
    bool is_back = false;
};
constinit thread_local trial *tried [[gnu::tls_model("initial-exec")]] = nullptr;

// ---- what a host has asked for

// Lives for ever: so long it may be called.
template <typename Allocator> struct asked_for {
    int domain;
    Allocator real;
    asked_for *before;
};
using memory = asked_for<PyMemAllocatorEx>;
using arena = asked_for<PyObjectArenaAllocator>;

extern "C" {

static void *asked_malloc(void *context, std::size_t size) {
    const auto *one = static_cast<memory *>(context);
    return tried == nullptr ? one->real.malloc(one->real.ctx, size)
                            : tried->give(one->domain, size);
}

static void *asked_calloc(void *context, std::size_t count, std::size_t size) {
    const auto *one = static_cast<memory *>(context);
    return tried == nullptr ? one->real.calloc(one->real.ctx, count, size)
                            : tried->give(one->domain, count * size);
}

static void *asked_realloc(void *context, void *block, std::size_t size) {
    const auto *one = static_cast<memory *>(context);
    return tried == nullptr        ? one->real.realloc(one->real.ctx, block, size)
           : block == tried->block ? tried->give(one->domain, size)
                                   : nullptr;
}

static void asked_free(void *context, void *block) {
    const auto *one = static_cast<memory *>(context);
    if (tried == nullptr) {
        one->real.free(one->real.ctx, block);
    } else {
        tried->take_back(one->domain, block);
    }
}

static void *asked_arena(void *context, std::size_t size) {
    const auto *one = static_cast<arena *>(context);
    return tried == nullptr ? one->real.alloc(one->real.ctx, size) : tried->give(arenas, size);
}

static void asked_free_arena(void *context, void *block, std::size_t size) {
    const auto *one = static_cast<arena *>(context);
    if (tried == nullptr) {
        one->real.free(one->real.ctx, block, size);
    } else {
        tried->take_back(arenas, block);
    }
}

} // extern "C"

// Leads to `real`; that itself without memory.
template <typename Allocator>
Allocator in_place_of(int domain, const Allocator &real, Allocator asked) noexcept {
    static_assert(std::has_unique_object_representations_v<Allocator>);
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static asked_for<Allocator> *last = nullptr;
    pthread_mutex_lock(&mutex);
    asked_for<Allocator> *one = last;
    while (one != nullptr &&
           (one->domain != domain || std::memcmp(&one->real, &real, sizeof real) != 0)) {
        one = one->before;
    }
    if (one == nullptr) {
        one = new (std::nothrow) asked_for<Allocator>{domain, real, last};
        last = one == nullptr ? last : one;
    }
    pthread_mutex_unlock(&mutex);
    asked.ctx = one;
    return one == nullptr ? real : asked;
}

// What a host gives back that it was given.
template <typename Allocator, typename Free>
Allocator real_of(const Allocator &given, Free free) noexcept {
    return given.free == free ? static_cast<asked_for<Allocator> *>(given.ctx)->real : given;
}

bool passes_on(int domain, const PyMemAllocatorEx &given) noexcept {
    trial now(domain);
    const auto free = [&](void *block) { given.free(given.ctx, block); };
    tried = &now;
    void *block = given.malloc(given.ctx, 16);
    if (block != nullptr && block == now.block) {
        block = given.realloc(given.ctx, block, 32);
    }
    const bool passes =
        now.has_passed(block, free) && now.has_passed(given.calloc(given.ctx, 1, 16), free);
    tried = nullptr;
    return passes;
}

bool passes_on(int /*arenas*/, const PyObjectArenaAllocator &given) noexcept {
    trial now(arenas);
    tried = &now;
    const bool passes = now.has_passed(given.alloc(given.ctx, trial::size), [&](void *block) {
        given.free(given.ctx, block, trial::size);
    });
    tried = nullptr;
    return passes;
}

// ---- what hosts call

template <typename Allocator, typename Set>
void set_if_it_passes_on(const char *function, int domain, const Allocator &given, Set set) {
    if (!is_before_hosts_start()) {
        set();
    } else if (passes_on(domain, given)) {
        const patient_attachment python(function); // nobody allocates meanwhile
        set();
    } else {
        complain(function);
    }
}

extern "C" {

static void get_allocator(PyMemAllocatorDomain domain, PyMemAllocatorEx *allocator) {
    original.get(domain, allocator);
    if (is_before_hosts_start()) {
        *allocator = in_place_of(
            domain, *allocator,
            PyMemAllocatorEx{nullptr, asked_malloc, asked_calloc, asked_realloc, asked_free});
    }
}

static void set_allocator(PyMemAllocatorDomain domain, PyMemAllocatorEx *allocator) {
    set_if_it_passes_on("PyMem_SetAllocator", domain, *allocator, [=] {
        PyMemAllocatorEx real = real_of(*allocator, asked_free);
        original.set(domain, &real);
    });
}

static void get_arena_allocator(PyObjectArenaAllocator *allocator) {
    original.get_arena(allocator);
    if (is_before_hosts_start()) {
        *allocator = in_place_of(arenas, *allocator,
                                 PyObjectArenaAllocator{nullptr, asked_arena, asked_free_arena});
    }
}

static void set_arena_allocator(PyObjectArenaAllocator *allocator) {
    set_if_it_passes_on("PyObject_SetArenaAllocator", arenas, *allocator, [=] {
        PyObjectArenaAllocator real = real_of(*allocator, asked_free_arena);
        original.set_arena(&real);
    });
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
