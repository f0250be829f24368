// The dynamic loader remembers the name that dlopen was given. That may be relative to a folder
// that the process has left, or lead through a symbolic link that has been changed since. The
// kernel knows the file itself.
#include "loader/bootstrap/mapped_file.h"

#include <dlfcn.h>

#include <climits>
#include <cstdlib>
#include <utility>

#include "loader/files.h"
#include "loader/maps.h"

namespace epy {

std::string file_of(const void *address) {
    const auto number = reinterpret_cast<std::uintptr_t>(address);
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

std::uintptr_t load_address_of(const void *address) noexcept {
    Dl_info found{};
    return dladdr(address, &found) != 0 ? reinterpret_cast<std::uintptr_t>(found.dli_fbase) : 0;
}

} // namespace epy
