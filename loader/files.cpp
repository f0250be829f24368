#include "loader/files.h"

#include <dirent.h>

#include <cerrno>
#include <string_view>

#include "loader/kernel.h"

namespace epy {

std::string contents_of(const std::string &path) {
    std::string contents;
    const int file = kernel::open_to_read(path.c_str());
    if (file < 0) {
        return contents;
    }
    // Not into the text itself, which would be filled with zeros before: a start reads five files.
    char piece[4096];
    ssize_t got = 0;
    do {
        got = kernel::read(file, piece, sizeof piece);
        contents.append(piece, got > 0 ? static_cast<std::size_t>(got) : 0);
    } while (got > 0 || (got < 0 && errno == EINTR));
    kernel::close(file);
    if (got < 0) {
        contents.clear();
    }
    return contents;
}

std::vector<std::string> names_in(const std::string &folder) {
    std::vector<std::string> names;
    DIR *opened = opendir(folder.c_str());
    if (opened == nullptr) {
        return names;
    }
    while (const dirent *entry = readdir(opened)) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") {
            names.emplace_back(name);
        }
    }
    closedir(opened);
    return names;
}

} // namespace epy
