// What `epy bundle` wrote beside a plugin, and whether it is still so. Freestanding: the stub asks
// before it opens the loader there, the loader before it takes anything else of it.
//
// The plugin's folder then holds epy/bundle, a list:
//
//   epy bundle 1
//   CHECKSUM SIZE PATH      of each file, by its path in the plugin's folder
//   ...
//   CHECKSUM end            of the lines above
//
// CHECKSUM is checksum_of_packed() in 16 hexadecimal digits. It finds what was cut short or edited
// by mistake; against others who may change it there are the rules of trust (trust.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace epy {

enum class bundle : std::uint8_t {
    none,    // there is no list
    whole,   // every file is as it was written
    no_list, // the list itself is not
    missing, // a file is
    changed,
};

struct bundle_finding {
    bundle state = bundle::none;
    char file[1024]; // the first that is not as it was written, by its path in the folder
};

// Of the `length` characters of `folder`. `only`: that file of the list alone, or null for all.
void look_at_bundle(const char *folder, std::size_t length, const char *only,
                    bundle_finding &found) noexcept;

// "is missing", behind the file's name.
const char *describe(bundle) noexcept;

inline constexpr char bundle_remedy[] =
    "copy the whole folder again, or make it again with 'epy bundle'";

} // namespace epy
