// The plugins in this process. Freestanding: a stub looks for one that a later epy has built, the
// loader for the one that an address lies in.
#pragma once

#include <link.h>

#include "stub/stub.h"

namespace epy {

// What dl_iterate_phdr shows, as a plugin; null if it is none. Reads all of it.
stub_info *info_in(const dl_phdr_info &) noexcept;

// Whether it may be one: plugins have a table of names that can grow, and no other. Reads next to
// nothing, of objects of any size.
bool has_plugin_tables(const dl_phdr_info &) noexcept;

// The plugin with the latest contract, if that is later than `contract`: its path, as the dynamic
// linker has it. False if there is none.
bool find_newer_plugin(std::uint32_t contract, char (&path)[4096]) noexcept;

} // namespace epy
