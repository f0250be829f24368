// errno of the calling thread, without asking libc for its address at each call.
//
// libc's thread-local variables are in the block that every thread begins with (ELF Handling for
// Thread-Local Storage, section 3.4): errno has the same distance from each thread's pointer.
#pragma once

#include <cerrno>
#include <cstddef>

namespace epy {

inline const std::ptrdiff_t errno_distance =
    reinterpret_cast<char *>(&errno) - static_cast<char *>(__builtin_thread_pointer());

inline int &this_errno() noexcept {
    return *reinterpret_cast<int *>(static_cast<char *>(__builtin_thread_pointer()) +
                                    errno_distance);
}

} // namespace epy
