// What /proc/self says of memory: the kernel knows the file that memory was mapped from, also where
// that was renamed, or the process has left the folder that its name begins in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace epy {

struct mapped_range {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    std::uint64_t offset = 0; // in the file
    std::string file{};       // its path; empty if it is no file's, or none is known
};

// That of an address, in the text of a /proc/PID/maps; empty if it lies in none.
mapped_range range_in_maps(std::string_view maps, std::uintptr_t address);

// The path of the file that is mapped from one address just to another, found in a time that does
// not grow with what else is mapped; empty if none is, or the kernel does not say (proc(5),
// map_files).
std::string file_mapped_at(std::uintptr_t begin, std::uintptr_t end);

} // namespace epy
