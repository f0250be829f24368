// The objects (executable and libraries) that make up this process.
#pragma once

#include <link.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace epy {

struct loaded_object {
    std::string name; // empty: the executable
    std::uintptr_t base = 0;
    const ElfW(Dyn) *dynamic = nullptr; // null: it has none
    std::vector<std::pair<std::uintptr_t, std::uintptr_t>> segments;

    [[nodiscard]] bool contains(const void *address) const;
    // A handle of the object if it defines `name` itself (a look-up with that handle also searches
    // what the object depends on), otherwise null.
    [[nodiscard]] void *open_if_defines(const char *name) const;
};

// In load order: the executable comes first.
std::vector<loaded_object> loaded_objects();

} // namespace epy
