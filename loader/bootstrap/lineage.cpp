#include "loader/bootstrap/lineage.h"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "loader/kernel.h"

namespace epy {

namespace {

// The memory of a page of what is never touched costs nothing.
constexpr std::uint64_t most_marks = 8 << 20;
constexpr unsigned number_bits = 40; // of a mark; above it is the generation

struct shared_marks {
    std::atomic<std::uint64_t> drawn;
    std::array<std::atomic<unsigned char>, most_marks / 8> taken;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free &&
              std::atomic<unsigned char>::is_always_lock_free);

std::atomic<shared_marks *> marks = nullptr;

struct process {
    pid_t number = 0;
    unsigned long long started = 0; // 0: unknown
};

std::array<process, 32> ancestors; // by generation, the latest of them
unsigned generation = 0;
unsigned first_of_namespace = 0; // numbers of earlier generations mean others here
process self;

// Where /proc has the process: its state and the time of its start.
bool look_at(pid_t number, char &state, unsigned long long &started) noexcept {
    constexpr int fields_between = 19;
    char path[32];
    char text[1024];
    std::snprintf(path, sizeof path, "/proc/%d/stat", static_cast<int>(number));
    const int file = kernel::open_to_read(path);
    const ssize_t size = file < 0 ? -1 : kernel::read(file, text, sizeof text - 1);
    if (file >= 0) {
        kernel::close(file);
    }
    text[size < 0 ? 0 : size] = '\0';
    const char *place = std::strrchr(text, ')'); // the end of its name, which may have anything
    if (place == nullptr || std::strlen(place) < 3) {
        return false;
    }
    place += 2;
    state = *place;
    for (int i = 0; i < fields_between && place != nullptr; ++i) {
        place = std::strchr(place + 1, ' ');
    }
    if (place == nullptr) {
        return false;
    }
    started = 0;
    std::from_chars(place + 1, text + size, started);
    return started != 0;
}

bool has_ended(const process &one) noexcept {
    if (kernel::look_for(one.number) != 0 && errno == ESRCH) {
        return true;
    }
    char state = 0;
    unsigned long long started = 0;
    if (!look_at(one.number, state, started)) {
        return false;
    }
    return state == 'Z' || state == 'X' || (one.started != 0 && started != one.started);
}

shared_marks *shared() noexcept {
    shared_marks *known = marks.load(std::memory_order_acquire);
    if (known == nullptr) {
        void *made = mmap(nullptr, sizeof(shared_marks), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (made == MAP_FAILED) {
            return nullptr;
        }
        if (marks.compare_exchange_strong(known, static_cast<shared_marks *>(made))) {
            known = static_cast<shared_marks *>(made);
        } else {
            munmap(made, sizeof(shared_marks));
        }
    }
    return known;
}

} // namespace

unsigned generation_of_process() noexcept { return generation; }

bool stands_for(unsigned wanted) noexcept {
    if (wanted == generation) {
        return true;
    }
    if (wanted < first_of_namespace || generation - wanted > ancestors.size()) {
        return false;
    }
    for (unsigned one = wanted; one != generation; ++one) {
        if (!has_ended(ancestors[one % ancestors.size()])) {
            return false;
        }
    }
    return true;
}

std::uint64_t mark_to_run() noexcept {
    shared_marks *const known = shared();
    const std::uint64_t number = known == nullptr ? most_marks : known->drawn.fetch_add(1);
    return std::uint64_t{generation} << number_bits | (number < most_marks ? number : most_marks);
}

bool take_to_run(std::uint64_t mark) noexcept {
    const auto wanted = static_cast<unsigned>(mark >> number_bits);
    const std::uint64_t number = mark & ((std::uint64_t{1} << number_bits) - 1);
    if (number == most_marks) {
        return wanted == generation;
    }
    if (!stands_for(wanted)) {
        return false;
    }
    const auto bit = static_cast<unsigned char>(1U << number % 8);
    return ((*marks.load()).taken[number / 8].fetch_or(bit) & bit) == 0;
}

void remember_parent() noexcept {
    if (const pid_t number = kernel::process(); self.number != number) {
        char state = 0;
        unsigned long long started = 0;
        self = {number, look_at(number, state, started) ? started : 0};
    }
}

void become_child() noexcept {
    ancestors[generation % ancestors.size()] = std::exchange(self, {});
    ++generation;
    if (kernel::parent() == 0) { // it is the first of another
        first_of_namespace = generation;
    }
}

} // namespace epy
