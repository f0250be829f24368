// The dynamic loader remembers the name that dlopen was given. That may be relative to a folder
// that the process has left, or lead through a symbolic link that has been changed since. The
// kernel knows the file itself.
#include "loader/bootstrap/mapped_file.h"

#include <dlfcn.h>
#include <link.h>

#include <climits>
#include <cstdlib>
#include <utility>

#include "loader/files.h"
#include "loader/maps.h"

namespace epy {

namespace {

// Where an object begins that has an address: its first segment is mapped alone.
struct beginning {
    std::uintptr_t inside;
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
};

int find_beginning(dl_phdr_info *object, std::size_t, void *data) noexcept {
    constexpr std::uintptr_t in_page = 0xfff;
    auto &wanted = *static_cast<beginning *>(data);
    const ElfW(Phdr) *first = nullptr;
    for (const ElfW(Phdr) *one = object->dlpi_phdr; one < object->dlpi_phdr + object->dlpi_phnum;
         ++one) {
        if (one->p_type != PT_LOAD) {
            continue;
        }
        first = first == nullptr ? one : first;
        if (wanted.inside - object->dlpi_addr - one->p_vaddr < one->p_memsz) {
            wanted.begin = (object->dlpi_addr + first->p_vaddr) & ~in_page;
            wanted.end =
                (object->dlpi_addr + first->p_vaddr + first->p_filesz + in_page) & ~in_page;
            return 1;
        }
    }
    return 0;
}

} // namespace

std::string file_of(const void *address) {
    const auto number = reinterpret_cast<std::uintptr_t>(address);
    beginning object{.inside = number};
    if (dl_iterate_phdr(find_beginning, &object) != 0) {
        if (std::string file = file_mapped_at(object.begin, object.end); !file.empty()) {
            return file;
        }
    }
    // Another link map list (dlmopen), a first segment that is mapped with what lies beside it.
    if (mapped_range found = range_in_maps(contents_of("/proc/self/maps"), number);
        !found.file.empty()) {
        return std::move(found.file);
    }
    // No /proc, as in a chroot.
    Dl_info found{};
    if (dladdr(address, &found) == 0 || found.dli_fname == nullptr) {
        return {};
    }
    char absolute[PATH_MAX];
    return realpath(found.dli_fname, absolute) != nullptr ? absolute : found.dli_fname;
}

// dladdr also looks which symbol the address is of, among the thousands that a plugin has room for.
std::uintptr_t load_address_of(const void *address) noexcept {
    beginning object{.inside = reinterpret_cast<std::uintptr_t>(address)};
    if (dl_iterate_phdr(find_beginning, &object) != 0) {
        return object.begin;
    }
    Dl_info found{};
    return dladdr(address, &found) != 0 ? reinterpret_cast<std::uintptr_t>(found.dli_fbase) : 0;
}

} // namespace epy
