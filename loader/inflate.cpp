#include "loader/inflate.h"

#include <libdeflate.h>

#include <new>

namespace epy {

bool inflate(const char *stream, std::size_t stream_size, char *output, std::size_t size) noexcept {
    const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> reader(
        libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
    return reader != nullptr &&
           libdeflate_deflate_decompress(reader.get(), stream, stream_size, output, size,
                                         nullptr) == LIBDEFLATE_SUCCESS;
}

unpacked_bytes unpack(const packed_bytes &packed) noexcept {
    if (packed.start == nullptr || packed.unpacked == 0) {
        return {packed.start, packed.size};
    }
    std::unique_ptr<char[]> own(new (std::nothrow) char[packed.unpacked]);
    if (own == nullptr || !inflate(packed.start, packed.size, own.get(), packed.unpacked)) {
        return {};
    }
    const char *start = own.get();
    return {start, packed.unpacked, std::move(own)};
}

} // namespace epy
