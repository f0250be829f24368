#include "loader/bootstrap/brought.h"

#include <dlfcn.h>
#include <link.h>

#include <cstring>
#include <string>

#include "loader/bootstrap/process.h"
#include "stub/image.h"
#include "stub/neighbours.h"

extern "C" {
// The linker's own name for what lies at address 0: the ELF header, and more.
[[gnu::visibility("hidden")]] extern const char __ehdr_start[]; // NOLINT
}

namespace epy {

namespace {

// How much of this loader's image is as it was in the file: up to where code begins.
std::uint64_t size_of_first_segment() {
    const auto &header = *reinterpret_cast<const Elf64_Ehdr *>(__ehdr_start);
    const auto *segments = reinterpret_cast<const Elf64_Phdr *>(__ehdr_start + header.e_phoff);
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        if (segments[i].p_type == PT_LOAD) {
            return segments[i].p_filesz;
        }
    }
    return 0;
}

// By its beginning, in which the linker has written a number for all of it.
bool has_this_loader(const void *pack, std::uint64_t size) {
    const packed_bytes found = find_packed(pack, size, loader_soname);
    const std::uint64_t compared = size_of_first_segment();
    return found.start != nullptr && found.unpacked == 0 && compared <= found.size &&
           std::memcmp(found.start, __ehdr_start, compared) == 0;
}

struct pack_place {
    char path[4096] = "";
    const void *start = nullptr;
    std::uint64_t size = 0;
};

int look_for_pack(dl_phdr_info *object, std::size_t, void *argument) {
    auto &place = *static_cast<pack_place *>(argument);
    const stub_info *info = has_plugin_tables(*object) ? info_in(*object) : nullptr;
    const std::size_t length = std::strlen(object->dlpi_name);
    if (info == nullptr || info->contract < first_with_pack || info->pack.size == 0 ||
        length >= sizeof place.path) {
        return 0;
    }
    const image mapped = image::of_mapped(reinterpret_cast<void *>(object->dlpi_addr));
    const void *start = mapped.at(info->pack.address, info->pack.size);
    if (!has_this_loader(start, info->pack.size)) {
        return 0;
    }
    std::memcpy(place.path, object->dlpi_name, length + 1);
    place.start = start;
    place.size = info->pack.size;
    return 1;
}

} // namespace

brought_pack::brought_pack(python_wish &wish) {
    if (!package_folder().empty() || has_this_loader(wish.pack, wish.pack_size)) {
        return;
    }
    pack_place place;
    if (dl_iterate_phdr(look_for_pack, &place) != 0) {
        plugin_ = dlopen(place.path, RTLD_NOW | RTLD_NOLOAD);
    }
    if (plugin_ != nullptr) {
        wish.pack = place.start;
        wish.pack_size = place.size;
    }
}

brought_pack::~brought_pack() {
    if (plugin_ != nullptr) {
        dlclose(plugin_);
    }
}

} // namespace epy
