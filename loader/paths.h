// Small questions about paths.
#pragma once

#include <errno.h>
#include <sys/stat.h>

#include <string>

namespace epy {

// For the effective user: access() would ask for the one who started a set-user-ID program.
inline bool exists(const std::string &path) {
    struct stat found {};
    return stat(path.c_str(), &found) == 0;
}

// It may be there: this user may not look.
inline bool is_hidden(const std::string &path) {
    struct stat found {};
    return stat(path.c_str(), &found) != 0 && errno == EACCES;
}

// Whether both are there and lead to one file.
inline bool is_same_file(const std::string &one, const std::string &other) {
    struct stat first {};
    struct stat second {};
    return stat(one.c_str(), &first) == 0 && stat(other.c_str(), &second) == 0 &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

// The folder of a path, without the last slash; "." if it has none.
inline std::string folder_of(const std::string &path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) {
        return ".";
    }
    return path.substr(0, slash == 0 ? 1 : slash);
}

} // namespace epy
