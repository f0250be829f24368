#include "loader/bootstrap/find_plugin.h"

#include <link.h>

#include <cstring>

#include "loader/bootstrap/objects.h"

namespace epy {

namespace {

// A handle of dlopen is the address of the object's entry in the dynamic linker's list.
const void *address_in_handle(const void *handle) {
    for (const link_map *one = _r_debug.r_map; one != nullptr; one = one->l_next) {
        if (one == handle) {
            return one->l_ld;
        }
    }
    return handle;
}

// The stub_info tells by its magic and by saying where it lies itself.
stub_info *info_in(const dl_phdr_info &object) {
    for (unsigned i = 0; i < object.dlpi_phnum; ++i) {
        const ElfW(Phdr) &segment = object.dlpi_phdr[i];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_R) == 0) {
            continue;
        }
        const std::uint64_t first = (segment.p_vaddr + 7) / 8 * 8;
        const std::uint64_t end = segment.p_vaddr + segment.p_filesz;
        for (std::uint64_t at = first; at + sizeof(stub_info) <= end; at += 8) {
            auto *info = reinterpret_cast<stub_info *>(object.dlpi_addr + at);
            if (std::memcmp(info->magic, stub_magic, sizeof info->magic) == 0 && info->self == at) {
                return info;
            }
        }
    }
    return nullptr;
}

struct search {
    const void *wanted;
    bool is_address;
    stub_info *found;
};

int visit(dl_phdr_info *info, std::size_t, void *argument) {
    auto &now = *static_cast<search *>(argument);
    if (!now.is_address) { // here, while no object comes or goes
        now.wanted = address_in_handle(now.wanted);
        now.is_address = true;
    }
    if (!loaded_object(*info).contains(now.wanted)) {
        return 0;
    }
    now.found = info_in(*info);
    return 1;
}

} // namespace

stub_info *find_plugin(const void *handle_or_address) noexcept {
    search now{handle_or_address, false, nullptr};
    dl_iterate_phdr(visit, &now);
    return now.found;
}

} // namespace epy
