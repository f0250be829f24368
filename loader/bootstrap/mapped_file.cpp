// The dynamic loader remembers the name that dlopen was given. That may be relative to a folder
// that the process has left, or lead through a symbolic link that has been changed since. The
// kernel knows the file itself, also where it was renamed.
#include "loader/bootstrap/mapped_file.h"

#include <dlfcn.h>

#include <charconv>
#include <climits>
#include <cstdlib>

#include "loader/files.h"
#include "loader/paths.h"

namespace epy {

namespace {

// Takes one word off a line. Several spaces stand before the last one.
std::string_view take_word(std::string_view &line) {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(line.find_first_not_of(' ', end), line.size()));
    return word;
}

bool contains(std::string_view range, std::uintptr_t address) {
    std::uintptr_t first = 0;
    std::uintptr_t end = 0;
    const char *const begin = range.data();
    const char *const last = begin + range.size();
    const auto [dash, problem] = std::from_chars(begin, last, first, 16);
    return problem == std::errc{} && dash != last &&
           std::from_chars(dash + 1, last, end, 16).ec == std::errc{} && first <= address &&
           address < end;
}

// As the kernel writes it: a line feed is \012, and a file that is gone is marked.
std::string plain_path(std::string_view written) {
    constexpr std::string_view gone = " (deleted)";
    std::string path;
    for (std::size_t i = 0; i < written.size(); ++i) {
        const bool line_feed = written.substr(i, 4) == "\\012";
        path += line_feed ? '\n' : written[i];
        i += line_feed ? 3 : 0;
    }
    if (path.size() > gone.size() && path.ends_with(gone) && !exists(path)) {
        path.resize(path.size() - gone.size());
    }
    return path;
}

} // namespace

std::string file_in_maps(std::string_view maps, std::uintptr_t address) {
    while (!maps.empty()) {
        const std::size_t end = std::min(maps.find('\n'), maps.size());
        std::string_view line = maps.substr(0, end);
        maps.remove_prefix(std::min(end + 1, maps.size()));
        if (!contains(take_word(line), address)) {
            continue;
        }
        for (int permissions_offset_device_inode = 0; permissions_offset_device_inode < 4;
             ++permissions_offset_device_inode) {
            take_word(line);
        }
        const bool is_file = line.starts_with('/') && !line.starts_with("/memfd:");
        return is_file ? plain_path(line) : std::string();
    }
    return {};
}

std::string file_of(const void *address) {
    const auto number = reinterpret_cast<std::uintptr_t>(address);
    if (std::string file = file_in_maps(contents_of("/proc/self/maps"), number); !file.empty()) {
        return file;
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
