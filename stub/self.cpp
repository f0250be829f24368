#include "stub/self.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include "stub/checksum.h"
#include "stub/records.h"

extern "C" {
// The linker's own name for what lies at address 0.
[[gnu::visibility("hidden")]] extern const Elf64_Ehdr __ehdr_start; // NOLINT
}

namespace epy {

namespace {

std::uintptr_t load_address() { return reinterpret_cast<std::uintptr_t>(&__ehdr_start); }

// The first of `size` bytes at a link-time address, by the program headers behind the file's header
// (those that it names may lie at the file's end, which is not mapped), and how many there are from
// there in their segment; null if there are fewer.
const char *find_bytes(std::uint64_t address, std::uint64_t size, std::uint64_t &room) {
    const auto *segments =
        reinterpret_cast<const Elf64_Phdr *>(load_address() + sizeof __ehdr_start);
    for (unsigned i = 0; i < __ehdr_start.e_phnum; ++i) {
        const std::uint64_t distance = address - segments[i].p_vaddr;
        if (segments[i].p_type == PT_LOAD && distance < segments[i].p_memsz) {
            room = segments[i].p_memsz - distance;
            return size <= room ? reinterpret_cast<const char *>(load_address() + address)
                                : nullptr;
        }
    }
    return nullptr;
}

template <typename T> const T *array_at(std::uint64_t address, std::uint64_t bytes) {
    return reinterpret_cast<const T *>(address % alignof(T) == 0 ? self::bytes_at(address, bytes)
                                                                 : nullptr);
}

} // namespace

const char *self::bytes_at(std::uint64_t address, std::uint64_t size) noexcept {
    std::uint64_t room = 0;
    return find_bytes(address, size, room);
}

const char *self::text_at(std::uint64_t address) noexcept {
    std::uint64_t room = 0;
    const char *text = find_bytes(address, 1, room);
    for (std::uint64_t i = 0; text != nullptr && i < room; ++i) {
        if (text[i] == '\0') {
            return text;
        }
    }
    return nullptr;
}

bool self::is_damaged() noexcept {
    const auto self = reinterpret_cast<std::uintptr_t>(&epy_stub_info) - load_address();
    return epy_stub_info.self != self ||
           (epy_stub_info.loader_path != 0 && text_at(epy_stub_info.loader_path) == nullptr);
}

bool self::records_are_whole() noexcept {
    const extent &place = epy_stub_info.records;
    const extent &errors = epy_stub_info.errors;
    const auto *records = array_at<record>(place.address, place.size);
    const char *error_bytes = array_at<char>(errors.address, errors.size);
    if (records == nullptr || (error_bytes == nullptr && errors.size != 0)) {
        return false;
    }
    std::uint32_t state = ~std::uint32_t{0};
    visit_records(records, place, error_bytes, errors, load_address(),
                  [&](const void *bytes, std::uint64_t size) {
                      for (std::uint64_t i = 0; i < size; ++i) {
                          state = crc32c_step(state, static_cast<const std::uint8_t *>(bytes)[i]);
                      }
                  });
    return ~state == epy_stub_info.records_checksum;
}

const char *self::path() noexcept {
    Dl_info found{};
    if (dladdr(&epy_stub_info, &found) != 0 && found.dli_fname != nullptr) {
        return found.dli_fname;
    }
    // musl's dladdr finds no object whose program headers are not mapped.
    const char *name = "?";
    dl_iterate_phdr(
        [](dl_phdr_info *one, std::size_t, void *named) {
            const bool is_this = one->dlpi_addr == load_address();
            if (is_this) {
                *static_cast<const char **>(named) = one->dlpi_name;
            }
            return is_this ? 1 : 0;
        },
        &name);
    return name;
}

const char *self::name_of_slot(std::uint32_t index) noexcept {
    const std::uint64_t address =
        epy_stub_info.trampolines.address + std::uint64_t{index} * EPY_TRAMPOLINE_SIZE;
    const auto *symbols = array_at<Elf64_Sym>(epy_stub_info.symbols.address,
                                              epy_stub_info.symbols_used * sizeof(Elf64_Sym));
    for (std::uint32_t i = 0; symbols != nullptr && i < epy_stub_info.symbols_used; ++i) {
        if (symbols[i].st_value == address && symbols[i].st_shndx != SHN_UNDEF) {
            return text_at(epy_stub_info.strings.address + symbols[i].st_name);
        }
    }
    return nullptr;
}

} // namespace epy
