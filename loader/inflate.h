// What a plugin's pack holds compressed (stub/pack.h): a stream of RFC 1951, as zlib writes it. A
// decoder of its own, because neither a host nor a Python need have a zlib, and epy is built with
// the headers of Python and libffi alone. A start decodes only where it meets another Python than
// the one that the plugin was built with: what that takes is stored as it is.
#pragma once

#include <cstddef>
#include <memory>

#include "stub/pack.h"

namespace epy {

// Whether `stream` is a whole one of exactly `size` bytes, which are then in `output`. Nothing else
// is read or written, whatever the stream says.
bool inflate(const char *stream, std::size_t stream_size, char *output, std::size_t size) noexcept;

struct unpacked_bytes {
    const char *start = nullptr; // null: damaged, or no memory
    std::size_t size = 0;
    std::unique_ptr<char[]> own = nullptr; // if they are not the pack's
};

unpacked_bytes unpack(const packed_bytes &) noexcept;

} // namespace epy
