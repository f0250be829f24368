#include "loader/bootstrap/process.h"

#include <unistd.h>

#include <climits>

#include "loader/bootstrap/mapped_file.h"
#include "loader/paths.h"

namespace epy {

std::string absolute(const std::string &path) {
    char folder[PATH_MAX];
    if (path.starts_with('/') || getcwd(folder, sizeof folder) == nullptr) {
        return path;
    }
    return std::string(folder) + "/" + path;
}

const std::string &package_folder() {
    static const auto *folder = [] {
        auto *found = new std::string(folder_of(file_of(reinterpret_cast<const void *>(&file_of))));
        if (!exists(*found + "/__init__.py")) {
            found->clear();
        }
        return found;
    }();
    return *folder;
}

} // namespace epy
