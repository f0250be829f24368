// What the kernel says, asked without the C library's functions: a plugin may stand before these
// (LD_PRELOAD), and Python would run while a lock is held, or while it starts.
#pragma once

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>

namespace epy::kernel {

inline pid_t process() noexcept { return static_cast<pid_t>(syscall(SYS_getpid)); }
inline pid_t parent() noexcept { return static_cast<pid_t>(syscall(SYS_getppid)); }

// Whether there is such a process, as kill(number, 0) says it.
inline int look_for(pid_t number) noexcept {
    return static_cast<int>(syscall(SYS_kill, number, 0));
}

// A file to be read; -1 with errno.
inline int open_to_read(const char *path) noexcept {
    return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY));
}
inline ssize_t read(int file, void *place, std::size_t size) noexcept {
    return syscall(SYS_read, file, place, size);
}
inline ssize_t read_link(const char *path, char *place, std::size_t size) noexcept {
    return syscall(SYS_readlink, path, place, size);
}
inline void close(int file) noexcept { syscall(SYS_close, file); }

} // namespace epy::kernel
