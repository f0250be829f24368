// The table writer for `epy build`, which calls it through ctypes on the bytes of a file.
#include "stub/integrity.h"
#include "stub/pack.h"

using epy::image;
using epy::status;
using epy::tables;

namespace {

int with_tables(void *file, std::size_t size, status (*work)(const image &, tables &, const void *),
                const void *argument) noexcept {
    const image bytes = image::of_file(file, size);
    status outcome = bytes.check();
    tables found;
    if (outcome == status::ok) {
        outcome = tables::open(bytes, bytes.find_info(), found);
    }
    if (outcome == status::ok) {
        outcome = work(bytes, found, argument);
    }
    return static_cast<int>(outcome);
}

} // namespace

extern "C" {

// Each returns 0 or an error code for epy_stamp_error. The bytes may be anything.

[[gnu::visibility("default")]] int epy_check_plugin(void *file, std::size_t size) noexcept {
    return with_tables(
        file, size,
        [](const image &bytes, tables &found, const void *) {
            return epy::check_contents(bytes, found.info());
        },
        nullptr);
}

// The last step.
[[gnu::visibility("default")]] int epy_stamp_checksums(void *file, std::size_t size) noexcept {
    return with_tables(
        file, size,
        [](const image &bytes, tables &found, const void *) {
            epy::stamp_checksums(bytes, found.info());
            return epy::check_contents(bytes, found.info());
        },
        nullptr);
}

[[gnu::visibility("default")]] int epy_stamp_symbol(void *file, std::size_t size, const char *name,
                                                    std::uint64_t value, std::uint64_t symbol_size,
                                                    std::uint32_t is_data, std::uint16_t section,
                                                    std::uint16_t version) noexcept {
    const epy::symbol added{name, value, symbol_size, is_data != 0, section, version};
    return with_tables(
        file, size,
        [](const image &, tables &found, const void *symbol) {
            return found.append(*static_cast<const epy::symbol *>(symbol));
        },
        &added);
}

// Gives the version's number, for epy_stamp_symbol.
[[gnu::visibility("default")]] int epy_stamp_version(void *file, std::size_t size, const char *name,
                                                     std::uint16_t *number) noexcept {
    struct request {
        const char *name;
        std::uint16_t *number;
    } wanted{name, number};
    return with_tables(
        file, size,
        [](const image &bytes, tables &found, const void *argument) {
            const auto &one = *static_cast<const request *>(argument);
            return found.define_version(bytes, one.name, *one.number);
        },
        &wanted);
}

[[gnu::visibility("default")]] int epy_stamp_soname(void *file, std::size_t size,
                                                    const char *soname) noexcept {
    return with_tables(
        file, size,
        [](const image &bytes, tables &found, const void *name) {
            return found.set_soname(bytes, static_cast<const char *>(name));
        },
        soname);
}

[[gnu::visibility("default")]] std::uint64_t epy_checksum_of_packed(const char *bytes,
                                                                    std::size_t size) noexcept {
    return epy::checksum_of_packed(bytes, size);
}

[[gnu::visibility("default")]] const char *epy_stamp_error(int code) noexcept {
    return epy::describe(static_cast<status>(code));
}

} // extern "C"
