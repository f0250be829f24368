// How the process's callers of a function of libpython come to call another one.
//
// Who calls a function of a library has its address from the library's symbol table: by relocation
// when it is loaded, by lazy binding at the first call, by dlsym from whichever handle or scope. So
// one word there, the function's value, decides for all that comes later; it may lead out of the
// library, because the dynamic loader only adds the library's base to it, modulo 2^64. A library
// of the same names that is global in front of libpython would reach less: not dlsym from
// libpython's handle (vim), and nothing of an object that was there before it.
//
// Who was bound before has the address in words of its own, which its relocations name (an
// executable that is linked with libpython, a library that was loaded before). Those that hold the
// old address get the new one.
//
// Symbol tables, and with RELRO the bound words too, are read-only: their page is writable while
// the word is stored, and no page is ever writable and executable. Nothing reaches calls inside an
// object that defines the functions itself (a static Python), nor an address that somebody has
// asked dlsym for and keeps.
#include "loader/bootstrap/replace.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <span>

#include "loader/bootstrap/objects.h"

namespace epy {

namespace {

std::uintptr_t page_of(const void *place) noexcept {
    static const auto size = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    return reinterpret_cast<std::uintptr_t>(place) & ~(size - 1);
}

// A word of a symbol table, and what was in it.
struct table_word {
    std::uintptr_t *place;
    std::uintptr_t value;
    bool is_closed; // its page is only read
};
table_word replaced_words[32]; // of the Python that is being started
std::size_t count_of_replaced = 0;

void store(const table_word &word, std::uintptr_t value) noexcept {
    if (!word.is_closed) {
        __atomic_store_n(word.place, value, __ATOMIC_RELEASE);
        return;
    }
    const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    auto *page = reinterpret_cast<void *>(page_of(word.place));
    if (mprotect(page, size, PROT_READ | PROT_WRITE) == 0) {
        __atomic_store_n(word.place, value, __ATOMIC_RELEASE);
        mprotect(page, size, PROT_READ);
    }
}

// Where the linker does not separate code, what is read lies in one segment with it, before it: its
// pages never need to be executable.
bool is_beside_code(const loaded_object &object, const void *place) noexcept {
    const ElfW(Phdr) *segment = object.segment_of(place);
    return segment == nullptr ||
           ((segment->p_flags & PF_X) != 0 && page_of(place) >= page_of(object.first_code()));
}

void replace_in_table(const loaded_object &python, const ElfW(Sym) * symbol,
                      const replacement &one) noexcept {
    // The place in the process of what the symbol's value is relative to.
    const std::uintptr_t base = reinterpret_cast<std::uintptr_t>(*one.original) - symbol->st_value;
    const std::uintptr_t value = reinterpret_cast<std::uintptr_t>(one.function) - base;
    auto *place =
        const_cast<std::uintptr_t *>(reinterpret_cast<const std::uintptr_t *>(&symbol->st_value));
    if (is_beside_code(python, place)) {
        return;
    }
    const table_word word{place, *place, (python.segment_of(place)->p_flags & PF_W) == 0};
    if (count_of_replaced < std::size(replaced_words)) {
        replaced_words[count_of_replaced++] = word;
    }
    store(word, value);
}

// Python's own calls of them stay as they are, also those that are bound when they are made.
void keep_own_calls(const loaded_object &python, std::span<const replacement> all) noexcept {
    std::array<import_replacement, std::size(replaced_words)> own{};
    std::size_t count = 0;
    for (const replacement &one : all) {
        if (*one.original != nullptr && count < own.size()) {
            own[count++] = {one.name, *one.original};
        }
    }
    python.bind_own_calls({own.data(), count});
}

// The lowest of the replaced functions, and how far the highest is from it.
struct address_range {
    std::uintptr_t lowest = UINTPTR_MAX;
    std::uintptr_t span = 0;

    explicit address_range(std::span<const replacement> all) noexcept {
        std::uintptr_t highest = 0;
        for (const replacement &one : all) {
            const auto address = reinterpret_cast<std::uintptr_t>(*one.original);
            lowest = address == 0 ? lowest : std::min(lowest, address);
            highest = std::max(highest, address);
        }
        span = highest - std::min(lowest, highest);
    }
    [[nodiscard]] bool contains(const void *address) const noexcept {
        return reinterpret_cast<std::uintptr_t>(address) - lowest <= span;
    }
};

// A start looks at thousands of slots.
void replace_in_slots(const loaded_object &object, std::span<const replacement> all,
                      const address_range &functions) noexcept {
    object.for_each_slot([&](void **slot) {
        const auto *bound = reinterpret_cast<const void *>(bound_word(slot));
        if (!functions.contains(bound)) [[likely]] {
            return;
        }
        for (const replacement &one : all) {
            if (bound == *one.original) {
                object.write_protected(slot, one.function);
            }
        }
    });
}

} // namespace

void replace_functions(const void *place, const replacement *replacements,
                       std::size_t count) noexcept {
    const std::span<const replacement> all(replacements, count);
    for_each_object([&](const loaded_object &object) {
        if (!object.contains(place)) {
            return true;
        }
        for (const replacement &one : all) {
            *one.original = object.find(one.name);
        }
        keep_own_calls(object, all);
        for (const replacement &one : all) {
            if (*one.original != nullptr) {
                replace_in_table(object, object.find_symbol(one.name), one);
            }
        }
        return false;
    });
    const address_range functions(all);
    for_each_object([&](const loaded_object &object) {
        // Python's own calls of them are as they were, and those of their replacements. An object
        // that another thread is loading is not closed yet, and binds to the new ones.
        if (!object.contains(place) && !object.contains(all.front().function) &&
            object.is_relocated()) {
            replace_in_slots(object, all, functions);
        }
        return true;
    });
}

void put_functions_back() noexcept {
    while (count_of_replaced != 0) {
        const table_word &last = replaced_words[--count_of_replaced];
        store(last, last.value);
    }
}

const char *python_needed_by(const void *caller) noexcept {
    const char *found = nullptr;
    for_each_object([&](const loaded_object &object) {
        if (!object.contains(caller)) {
            return true;
        }
        found = object.needs("libpython3.");
        if (found == nullptr && *object.name() == '\0') {
            found = "";
        }
        return false;
    });
    return found;
}

} // namespace epy
