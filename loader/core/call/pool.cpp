// One page of code, mapped again and again beside a fresh page of slots, so that nothing is ever
// both writable and executable.
//
// The page comes from the core's own file. That file may have been replaced or be out of reach
// (chroot), so what was mapped is compared with the page in memory; then a new file takes its
// place, if the system lets it be one without a name (stub/memory_object.h).
#include "loader/core/call/pool.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <system_error>

#include "loader/core/call/pool_page.h"
#include "loader/core/process_lock.h"
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
            close(descriptor_);
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

struct file_range {
    unsigned long first;
    unsigned long end;
    unsigned long offset;
    const char *path;
};

// Reads a number and the character behind it, behind which `here` goes on.
bool read_number(const char *&here, const char *end, char separator, unsigned long &out) {
    const auto [behind, problem] = std::from_chars(here, end, out, 16);
    if (problem != std::errc{} || behind == end || *behind != separator) {
        return false;
    }
    here = behind + 1;
    return true;
}

// A line of /proc/self/maps: "first-end r-xp offset device inode   /path". Not by sscanf, whose
// name is another one since glibc 2.38.
bool read_range(const char *line, file_range &out) {
    constexpr std::ptrdiff_t rights = sizeof "r-xp " - 1;
    out.path = std::strchr(line, '/');
    const char *const end = out.path;
    const char *here = line;
    if (end == nullptr || !read_number(here, end, '-', out.first) ||
        !read_number(here, end, ' ', out.end) || end - here < rights) {
        return false;
    }
    here += rights;
    return read_number(here, end, ' ', out.offset);
}

bool map_code_of_own_file(void *place) {
    FILE *maps = std::fopen("/proc/self/maps", "re");
    if (maps == nullptr) {
        return false;
    }
    const auto wanted = reinterpret_cast<unsigned long>(epy_pool_page);
    bool mapped = false;
    char line[4352]; // a path may have 4,096 characters
    while (std::fgets(line, sizeof line, maps) != nullptr) {
        if (char *const end = std::strchr(line, '\n'); end != nullptr) {
            *end = '\0';
        }
        file_range found{};
        if (!read_range(line, found) || wanted < found.first || wanted >= found.end) {
            continue;
        }
        const file own(open(found.path, O_RDONLY | O_CLOEXEC));
        mapped = map_code(place, own.descriptor(),
                          static_cast<off_t>(found.offset + (wanted - found.first)));
        break;
    }
    std::fclose(maps);
    return mapped;
}

bool map_code_of_new_file(void *place) {
    return use_as_file(
        "epy-trampolines", "/proc/self/fd", epy_pool_page, page_size,
        [](const char *, int descriptor, void *where) { return map_code(where, descriptor, 0); },
        place);
}

// A code page and its page of slots, or null.
unsigned char *new_block() {
    void *place =
        mmap(nullptr, 2 * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) {
        return nullptr;
    }
    if (!map_code_of_own_file(place) && !map_code_of_new_file(place)) {
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

} // namespace

void *take_trampoline(const record *target) {
    const process_guard guard;
    if (used == trampolines) {
        unsigned char *fresh = new_block();
        if (fresh == nullptr) {
            return nullptr;
        }
        slots_of(fresh).made_before = newest.load(std::memory_order_relaxed);
        newest.store(fresh, std::memory_order_release);
        used = 0;
    }
    unsigned char *const block = newest.load(std::memory_order_relaxed);
    slots_of(block).slots[used].store(target, std::memory_order_release);
    return block + EPY_TRAMPOLINE_SIZE * used++;
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
