// The file that an address was loaded from, and where it begins.
#pragma once

#include <cstdint>
#include <string>

namespace epy {

// As an absolute path, also when the process has changed its folder since; empty if unknown.
std::string file_of(const void *address);

// Where the object that this address belongs to begins: its ELF header; 0 if it is none's.
std::uintptr_t load_address_of(const void *address) noexcept;

} // namespace epy
