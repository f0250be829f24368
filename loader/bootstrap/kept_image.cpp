// The C library has no function for this: the destructors of an object run when its end is decided,
// a dlopen in one of them does not save it, and with RTLD_NODELETE they do not run at all. But what
// will be unmapped is written in the object's link_map, as the addresses of the first and of the
// last byte, side by side, behind the fields that are public. Both are known from the program
// headers, so they are found there for certain or not at all. An object of no bytes is unmapped
// without effect.
#include "loader/bootstrap/kept_image.h"

#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace epy {

namespace {

constexpr std::size_t words_looked_at = 128; // link_map has some 145

struct extent_of_image {
    std::uintptr_t inside;
    std::uintptr_t begin = UINTPTR_MAX;
    std::uintptr_t end = 0;

    // Of the object that it is in.
    bool take(const dl_phdr_info &object) noexcept {
        begin = UINTPTR_MAX;
        end = 0;
        for (unsigned index = 0; index < object.dlpi_phnum; ++index) {
            const ElfW(Phdr) &segment = object.dlpi_phdr[index];
            if (segment.p_type == PT_LOAD) {
                const std::uintptr_t first = object.dlpi_addr + segment.p_vaddr;
                begin = std::min(begin, first);
                end = std::max(end, first + segment.p_memsz);
            }
        }
        return begin <= inside && inside < end;
    }
};

std::uintptr_t page_size() noexcept { return static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE)); }

} // namespace

kept_image keep_mapped(const void *inside) noexcept {
    extent_of_image extent{reinterpret_cast<std::uintptr_t>(inside)};
    const auto take = [](dl_phdr_info *object, std::size_t, void *wanted) {
        return static_cast<int>(static_cast<extent_of_image *>(wanted)->take(*object));
    };
    Dl_info found{};
    link_map *map = nullptr;
    if (dl_iterate_phdr(take, &extent) == 0 ||
        dladdr1(inside, &found, reinterpret_cast<void **>(&map), RTLD_DL_LINKMAP) == 0) {
        return {};
    }
    const std::uintptr_t last_of_page = page_size() - 1;
    extent.begin &= ~last_of_page;
    auto *const words = reinterpret_cast<std::uintptr_t *>(map);
    for (std::size_t k = sizeof(link_map) / sizeof *words; k + 1 < words_looked_at; ++k) {
        if (words[k] == extent.begin && words[k + 1] == extent.end) {
            words[k + 1] = extent.begin;
            return {reinterpret_cast<void *>(extent.begin),
                    ((extent.end + last_of_page) & ~last_of_page) - extent.begin};
        }
    }
    return {};
}

void wait_for_dlclose() noexcept {
    Dl_info found{};
    dladdr(reinterpret_cast<void *>(&wait_for_dlclose), &found); // it takes the linker's lock
}

void unmap(const kept_image &image) noexcept { munmap(image.begin, image.size); }

} // namespace epy
