// What a plugin's own stub_info says, read with checks: the file may be damaged. Freestanding.
#pragma once

#include "stub/stub.h"

extern "C" {
[[gnu::visibility("hidden")]] extern epy::stub_info epy_stub_info;
}

namespace epy::self {

// Of the image that this code lies in; "?" if the dynamic linker does not say.
[[nodiscard]] const char *path() noexcept;

// At a link-time address: null unless `size` bytes, or a text with its end, lie in one segment.
[[nodiscard]] const char *bytes_at(std::uint64_t address, std::uint64_t size) noexcept;
[[nodiscard]] const char *text_at(std::uint64_t address) noexcept;

[[nodiscard]] bool is_damaged() noexcept;

// Whether records hold the declared error values.
[[nodiscard]] bool records_are_whole() noexcept;

// The name of slot `index`, or null if it has none.
[[nodiscard]] const char *name_of_slot(std::uint32_t index) noexcept;

} // namespace epy::self
