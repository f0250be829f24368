// What the loader asks of the process and its file system.
#pragma once

#include <string>

namespace epy {

// Set-user-ID and the like: no environment variable counts, and files must be trustworthy.
bool is_secure_process() noexcept;

// Owned by root or the effective user and writable by nobody else. False if it does not exist.
bool is_trusted_file(const std::string &path);

bool exists(const std::string &path);

// The folder of a path, without the last slash; "." if it has none.
std::string folder_of(const std::string &path);

// The folder of libepy.so, which is that of the package epy.
const std::string &package_folder();

// The same path, also when the process changes its folder.
std::string absolute(const std::string &path);

} // namespace epy
