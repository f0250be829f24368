// What files and folders hold. The standard library's streams and file systems
// bring nearly a megabyte of locales into every library that is linked with them statically.
#pragma once

#include <string>
#include <vector>

namespace epy {

// All of a file; empty if it cannot be read. By the kernel (kernel.h): this is asked before a
// preloaded plugin can be called.
std::string contents_of(const std::string &path);

// The names in a folder, without "." and ".."; none if it cannot be listed.
std::vector<std::string> names_in(const std::string &folder);

} // namespace epy
