// An image that stays mapped when dlclose is done with it.
//
// Python may still use a plugin when dlclose returns: a hook of on_unload that takes its time, a
// thread of the script, whoever holds its exported data. All of that points into the image.
#pragma once

#include <cstddef>

namespace epy {

struct kept_image {
    void *begin = nullptr;
    std::size_t size = 0;

    explicit operator bool() const noexcept { return size != 0; }
};

// For the destructor of the image that holds `inside`: dlclose does not unmap it. Empty if that
// cannot be had; then it does.
[[nodiscard]] kept_image keep_mapped(const void *inside) noexcept;

// Waits until a dlclose that runs now is over: until then the dynamic linker reads the image. Not
// by a thread that holds the GIL.
void wait_for_dlclose() noexcept;

void unmap(const kept_image &) noexcept;

} // namespace epy
