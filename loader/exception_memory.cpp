// Memory for a C++ exception when there is none, so that std::bad_alloc can be thrown.
//
// libstdc++ has a reserve for that, which it allocates itself, when it is loaded: if this is the
// allocation that fails, the next one ends the process in std::terminate. These functions stand in
// for its own (it is linked statically, and they are seen by nobody else), with a reserve that is
// there from the start. The C++ ABI says what they do; what the library notes in front of an
// exception has 128 bytes, and must be zero.
//
// No header of C++'s: some declare the first two of them as visible to everybody.
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

namespace epy {

namespace {

constexpr size_t noted = 256;
constexpr size_t largest = 1024; // with what is noted
constexpr size_t blocks = 64;    // exceptions at the same time, of all threads

struct block {
    alignas(max_align_t) unsigned char bytes[largest];
};

constinit block reserve[blocks]{};
constinit bool taken[blocks]{};

void *take_from_reserve(size_t size) noexcept {
    if (size <= largest) {
        for (size_t i = 0; i < blocks; ++i) {
            if (!__atomic_test_and_set(&taken[i], __ATOMIC_ACQUIRE)) {
                return &reserve[i];
            }
        }
    }
    abort(); // as libstdc++ does
}

void *allocate(size_t size) noexcept {
    void *made = malloc(size);
    return made == nullptr ? take_from_reserve(size) : made;
}

void release(void *made) noexcept {
    const auto *place = static_cast<const block *>(made);
    if (place >= reserve && place < reserve + blocks) {
        __atomic_clear(&taken[place - reserve], __ATOMIC_RELEASE);
    } else {
        free(made);
    }
}

} // namespace

} // namespace epy

// NOLINTBEGIN(*reserved-identifier,cert-dcl*,readability-identifier-naming): names of the C++ ABI
extern "C" {
[[gnu::visibility("hidden")]] void *__cxa_allocate_exception(size_t size) noexcept;
[[gnu::visibility("hidden")]] void __cxa_free_exception(void *thrown) noexcept;
[[gnu::visibility("hidden")]] void *__cxa_allocate_dependent_exception() noexcept;
[[gnu::visibility("hidden")]] void __cxa_free_dependent_exception(void *dependent) noexcept;

void *__cxa_allocate_exception(size_t size) noexcept {
    void *made = epy::allocate(epy::noted + size);
    memset(made, 0, epy::noted);
    return static_cast<unsigned char *>(made) + epy::noted;
}

void __cxa_free_exception(void *thrown) noexcept {
    epy::release(static_cast<unsigned char *>(thrown) - epy::noted);
}

void *__cxa_allocate_dependent_exception() noexcept {
    void *made = epy::allocate(epy::noted);
    memset(made, 0, epy::noted);
    return made;
}

void __cxa_free_dependent_exception(void *dependent) noexcept { epy::release(dependent); }
}
// NOLINTEND(*reserved-identifier,cert-dcl*,readability-identifier-naming)
