// What a plugin brings along that needs no epy where it runs: the loader, cores, and epy's modules.
//
// A table, and behind it what it names. What only other Pythons take than the one that built the
// plugin is compressed. It lies in the plugin's last segment, mapped but never touched where a
// loader is there already.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string.h>

namespace epy {

struct packed_file {
    char name[40];          // "libepy.so", "_core.cpython-311-x86_64-linux-gnu.so", "sources", ...
    std::uint64_t unpacked; // size of what is compressed (loader/inflate.h); 0: it is not
    std::uint64_t offset;   // from the pack's start
    std::uint64_t size;
    std::uint64_t checksum; // checksum_of_packed(): of the contents
};

struct pack {
    char magic[16];
    std::uint64_t count; // of the packed_files that follow
};

inline constexpr char pack_magic[16] = "epy pack 2";

struct packed_bytes {
    const char *start = nullptr; // null: it has none of that name, or that is damaged
    std::uint64_t size = 0;
    std::uint64_t unpacked = 0; // size of what is compressed; 0: it is not
};

// FNV-1a, of eight bytes at a time: a megabyte takes a tenth of a millisecond on any processor.
inline std::uint64_t checksum_of_packed(const char *bytes, std::uint64_t size) noexcept {
    constexpr std::uint64_t prime = 0x100000001b3;
    std::uint64_t sum = 0xcbf29ce484222325 ^ size;
    for (; size >= sizeof sum; size -= sizeof sum, bytes += sizeof sum) {
        std::uint64_t word = 0;
        memcpy(&word, bytes, sizeof word);
        sum = (sum ^ word) * prime;
    }
    for (; size > 0; --size, ++bytes) {
        sum = (sum ^ static_cast<unsigned char>(*bytes)) * prime;
    }
    return sum;
}

// Calls `visit` with each entry of the table of a pack of `size` bytes, any of which may be
// damaged.
template <typename Visit>
void visit_packed(const void *start, std::uint64_t size, Visit visit) noexcept {
    const auto *all = static_cast<const pack *>(start);
    if (all == nullptr || size < sizeof(pack) ||
        memcmp(all->magic, pack_magic, sizeof pack_magic) != 0 ||
        all->count > (size - sizeof(pack)) / sizeof(packed_file)) {
        return;
    }
    const auto *files = reinterpret_cast<const packed_file *>(all + 1);
    for (std::uint64_t i = 0; i < all->count; ++i) {
        visit(files[i]);
    }
}

inline packed_bytes find_packed(const void *start, std::uint64_t size, const char *name) noexcept {
    packed_bytes found;
    visit_packed(start, size, [&](const packed_file &one) {
        if (strncmp(one.name, name, sizeof one.name) == 0 && one.offset <= size &&
            one.size <= size - one.offset) {
            const char *contents = static_cast<const char *>(start) + one.offset;
            if (checksum_of_packed(contents, one.size) == one.checksum) {
                found = {contents, one.size, one.unpacked};
            }
        }
    });
    return found;
}

static_assert(sizeof(packed_file) == 72);
static_assert(sizeof(pack) == 24);

} // namespace epy
