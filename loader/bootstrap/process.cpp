#include "process.h"

#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>

#include "mapped_file.h"

namespace epy {

bool is_secure_process() noexcept { return getauxval(AT_SECURE) != 0; }

bool is_trusted_file(const std::string &path) {
    struct stat found {};
    return stat(path.c_str(), &found) == 0 && (found.st_uid == 0 || found.st_uid == geteuid()) &&
           (found.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool exists(const std::string &path) { return access(path.c_str(), F_OK) == 0; }

std::string folder_of(const std::string &path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) {
        return ".";
    }
    return path.substr(0, slash == 0 ? 1 : slash);
}

std::string absolute(const std::string &path) {
    char folder[PATH_MAX];
    if (path.starts_with('/') || getcwd(folder, sizeof folder) == nullptr) {
        return path;
    }
    return std::string(folder) + "/" + path;
}

const std::string &package_folder() {
    static const auto *folder =
        new std::string(folder_of(file_of(reinterpret_cast<const void *>(&is_secure_process))));
    return *folder;
}

} // namespace epy
