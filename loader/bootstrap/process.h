// What the loader asks of the process and its file system.
#pragma once

#include <string>

namespace epy {

// The folder of libepy.so, which is that of the package epy; empty if a plugin has brought it.
const std::string &package_folder();

// The same path, also when the process changes its folder.
std::string absolute(const std::string &path);

} // namespace epy
