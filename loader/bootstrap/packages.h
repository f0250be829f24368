// What installs a Python's library here, in the words of this system's package manager.
#pragma once

#include <string>

namespace epy {

// "apt install libpython3.11" of "3.11": as /etc/os-release says which system this is.
std::string command_for_library(const std::string &version);

// The same for the modules that such a library cannot do without.
std::string command_for_standard_library(const std::string &version);

} // namespace epy
