// One page of code, mapped again and again beside a fresh page of slots, so that nothing is ever
// both writable and executable.
//
// The page comes from the core's own file. That file may have been replaced or be out of reach
// (chroot), so what was mapped is compared with the page in memory; then a new file takes its
// place, if the system lets it be one without a name (stub/memory_object.h).
#include "loader/core/call/pool.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "loader/core/call/pool_page.h"
#include "loader/core/process_lock.h"
#include "loader/files.h"
#include "loader/kernel.h"
#include "loader/maps.h"
#include "stub/memory_object.h"

extern "C" [[gnu::visibility("hidden")]] const unsigned char epy_pool_page[];

namespace epy {

namespace {

constexpr std::size_t page_size = EPY_POOL_PAGE;
constexpr std::size_t trampolines = EPY_POOL_PAGE / EPY_TRAMPOLINE_SIZE;

class file {
public:
    explicit file(int descriptor) noexcept : descriptor_(descriptor) {}
    ~file() {
        if (descriptor_ >= 0) {
            kernel::close(descriptor_);
        }
    }
    file(const file &) = delete;
    file &operator=(const file &) = delete;
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

private:
    int descriptor_;
};

bool map_code(void *place, int descriptor, off_t offset) {
    struct stat found {};
    // Behind the end of a file there is no page to compare with.
    if (descriptor < 0 || fstat(descriptor, &found) != 0 ||
        found.st_size < offset + static_cast<off_t>(page_size) ||
        mmap(place, page_size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, descriptor,
             offset) == MAP_FAILED) {
        return false;
    }
    return std::memcmp(place, epy_pool_page, page_size) == 0;
}

// Where the page lies in the core's own file.
mapped_range own_place() {
    const auto wanted = reinterpret_cast<std::uintptr_t>(epy_pool_page);
    mapped_range found = range_in_maps(contents_of("/proc/self/maps"), wanted);
    found.offset += wanted - found.begin;
    return found;
}

bool map_code_of_own_file(void *place, const mapped_range &source) {
    const file own(source.file.empty() ? -1 : kernel::open_to_read(source.file.c_str()));
    return map_code(place, own.descriptor(), static_cast<off_t>(source.offset));
}

bool map_code_of_new_file(void *place) {
    return use_as_file(
        "epy-trampolines", "/proc/self/fd", epy_pool_page, page_size,
        [](const char *, int descriptor, void *where) { return map_code(where, descriptor, 0); },
        place);
}

// A code page and its page of slots, or null. May throw std::bad_alloc.
unsigned char *new_block() {
    const mapped_range source = own_place();
    void *place =
        mmap(nullptr, 2 * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) {
        return nullptr;
    }
    if (!map_code_of_own_file(place, source) && !map_code_of_new_file(place)) {
        munmap(place, 2 * page_size);
        return nullptr;
    }
    return static_cast<unsigned char *>(place);
}

// What follows the code: a word for each trampoline, and at its end the block that was made before.
struct slot_page {
    std::atomic<const record *> slots[page_size / sizeof(void *) - 1];
    unsigned char *made_before;
};
static_assert(sizeof(slot_page) == page_size && trampolines <= std::size(slot_page{}.slots));

slot_page &slots_of(unsigned char *block) {
    return *reinterpret_cast<slot_page *>(block + page_size);
}

std::atomic<unsigned char *> newest{nullptr};
std::size_t used = trampolines; // of the newest block; guarded by the process's lock

// Null if all of the newest block are. With the lock.
void *take_locked(const record *target) {
    if (used == trampolines) {
        return nullptr;
    }
    unsigned char *const block = newest.load(std::memory_order_relaxed);
    slots_of(block).slots[used].store(target, std::memory_order_release);
    return block + EPY_TRAMPOLINE_SIZE * used++;
}

void *take_of_newest(const record *target) {
    const process_guard guard;
    return take_locked(target);
}

void *take_of(unsigned char *fresh, const record *target) {
    const process_guard guard;
    if (used == trampolines) {
        slots_of(fresh).made_before = newest.load(std::memory_order_relaxed);
        newest.store(fresh, std::memory_order_release);
        used = 0;
    } else {
        munmap(fresh, 2 * page_size);
    }
    return take_locked(target);
}

} // namespace

// A block is made without the lock: to write a file may take the host's code, and so Python. Others
// who come meanwhile make theirs, too: one of them is enough.
void *take_trampoline(const record *target) {
    void *taken = take_of_newest(target);
    if (taken == nullptr) {
        unsigned char *const fresh = new_block();
        taken = fresh == nullptr ? nullptr : take_of(fresh, target);
    }
    return taken;
}

const record *record_at(const void *address) noexcept {
    const auto wanted = reinterpret_cast<std::uintptr_t>(address);
    for (unsigned char *block = newest.load(std::memory_order_acquire); block != nullptr;
         block = slots_of(block).made_before) {
        const std::uintptr_t offset = wanted - reinterpret_cast<std::uintptr_t>(block);
        if (offset < trampolines * EPY_TRAMPOLINE_SIZE) {
            return offset % EPY_TRAMPOLINE_SIZE != 0
                       ? nullptr
                       : slots_of(block).slots[offset / EPY_TRAMPOLINE_SIZE].load(
                             std::memory_order_acquire);
        }
    }
    return nullptr;
}

} // namespace epy
