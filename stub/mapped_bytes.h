// A file's bytes, of which any may be damaged. Freestanding.
#pragma once

#include <cstddef>
#include <cstdint>

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace epy {

class mapped_bytes {
public:
    explicit mapped_bytes(const char *path) {
        const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat status {};
        if (file >= 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode)) {
            is_file_ = true;
            size_ = static_cast<std::size_t>(status.st_size);
            void *mapped =
                size_ == 0 ? MAP_FAILED : mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
            bytes_ = mapped == MAP_FAILED ? nullptr : static_cast<const char *>(mapped);
        }
        if (file >= 0) {
            close(file);
        }
    }
    ~mapped_bytes() {
        if (bytes_ != nullptr) {
            munmap(const_cast<char *>(bytes_), size_);
        }
    }
    mapped_bytes(const mapped_bytes &) = delete;
    mapped_bytes &operator=(const mapped_bytes &) = delete;

    // It is there and can be read; an empty one has no bytes.
    [[nodiscard]] bool is_readable() const { return is_file_ && (bytes_ != nullptr || size_ == 0); }
    [[nodiscard]] const char *bytes() const { return bytes_; }
    [[nodiscard]] std::size_t size() const { return size_; }

    template <typename T>
    [[nodiscard]] const T *at(std::uint64_t offset, std::uint64_t count = 1) const {
        const bool fits = bytes_ != nullptr && offset <= size_ && offset % alignof(T) == 0 &&
                          count <= (size_ - offset) / sizeof(T);
        return fits ? reinterpret_cast<const T *>(bytes_ + offset) : nullptr;
    }
    [[nodiscard]] bool has_text(std::uint64_t offset, const char *text) const {
        const char *bytes = at<char>(offset, strlen(text) + 1);
        return bytes != nullptr && strcmp(bytes, text) == 0;
    }

private:
    const char *bytes_ = nullptr;
    std::size_t size_ = 0;
    bool is_file_ = false;
};

} // namespace epy
