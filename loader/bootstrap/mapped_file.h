// The file that an address was loaded from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace epy {

// As an absolute path, also when the process has changed its folder since; empty if unknown.
std::string file_of(const void *address);

// The same in the text of a /proc/PID/maps; empty if the address is in none of its files.
std::string file_in_maps(std::string_view maps, std::uintptr_t address);

} // namespace epy
