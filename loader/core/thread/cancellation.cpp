#include "loader/core/thread/cancellation.h"

#include <link.h>

#include <cstdint>
#include <cstring>
#include <utility>

namespace epy {

namespace {

constexpr unsigned calls_between_looks = 1024;

// How often objects were loaded into the process when they were last looked at.
std::atomic<unsigned long long> seen{0};

struct dynamic_tables {
    const ElfW(Sym) *symbols = nullptr;
    const char *strings = nullptr;
    std::uint32_t count = 0; // of symbols that may be undefined
};

dynamic_tables tables_of(const dl_phdr_info &object) noexcept {
    dynamic_tables found;
    for (int i = 0; i < object.dlpi_phnum; ++i) {
        const auto &segment = object.dlpi_phdr[i];
        if (segment.p_type != PT_DYNAMIC) {
            continue;
        }
        const auto *entry = reinterpret_cast<const ElfW(Dyn) *>(object.dlpi_addr + segment.p_vaddr);
        for (; entry->d_tag != DT_NULL; ++entry) {
            // The C library has made these addresses in the process; those of the kernel's own
            // object, which it has not, are small.
            const std::uintptr_t address = entry->d_un.d_ptr < object.dlpi_addr
                                               ? object.dlpi_addr + entry->d_un.d_ptr
                                               : entry->d_un.d_ptr;
            switch (entry->d_tag) {
            case DT_SYMTAB:
                found.symbols = reinterpret_cast<const ElfW(Sym) *>(address);
                break;
            case DT_STRTAB:
                found.strings = reinterpret_cast<const char *>(address);
                break;
            case DT_GNU_HASH: // its second word: the first symbol that is defined
                found.count = reinterpret_cast<const std::uint32_t *>(address)[1];
                break;
            case DT_HASH: // its second word: the number of symbols
                if (found.count == 0) {
                    found.count = reinterpret_cast<const std::uint32_t *>(address)[1];
                }
                break;
            default:
                break;
            }
        }
    }
    return found;
}

bool refers_to_cancel(const dl_phdr_info &object) noexcept {
    const dynamic_tables tables = tables_of(object);
    if (tables.symbols == nullptr || tables.strings == nullptr) {
        return false;
    }
    for (std::uint32_t i = 1; i < tables.count; ++i) {
        const ElfW(Sym) &symbol = tables.symbols[i];
        const char *name = tables.strings + symbol.st_name;
        if (symbol.st_shndx == SHN_UNDEF && *name == 'p' &&
            std::strcmp(name, "pthread_cancel") == 0) { // a start looks at thousands
            return true;
        }
    }
    return false;
}

} // namespace

constinit std::atomic<bool> cancellation_put_off::somebody_cancels{false};
constinit thread_local unsigned cancellation_put_off::calls_to_next_look = 1;

void cancellation_put_off::look() noexcept {
    calls_to_next_look = calls_between_looks;
    bool first = true;
    dl_iterate_phdr(
        [](dl_phdr_info *object, std::size_t, void *is_first) {
            if (std::exchange(*static_cast<bool *>(is_first), false) &&
                object->dlpi_adds == seen.exchange(object->dlpi_adds)) {
                return 1; // nothing new
            }
            if (refers_to_cancel(*object)) {
                somebody_cancels.store(true, std::memory_order_relaxed);
                return 1;
            }
            return 0;
        },
        &first);
}

} // namespace epy
