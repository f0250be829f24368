#include "stub/memory_object.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stub/trust.h"

namespace epy {

namespace {

constexpr unsigned executable_memory = 0x10; // MFD_EXEC: kernels since 6.3 may want to be told

bool write_all(int file, const void *bytes, std::size_t size) {
    const auto *next = static_cast<const char *>(bytes);
    while (size > 0) {
        const ssize_t written = write(file, next, size);
        if (written <= 0) {
            return false;
        }
        next += written;
        size -= static_cast<std::size_t>(written);
    }
    return true;
}

void *open_without_name(const char *name, const char *view, const void *bytes, std::size_t size) {
    int file = memfd_create(name, MFD_CLOEXEC | executable_memory);
    if (file < 0) {
        file = memfd_create(name, MFD_CLOEXEC);
    }
    if (file < 0) {
        return nullptr;
    }
    char path[64];
    snprintf(path, sizeof path, "%s/%d", view, file);
    void *handle = write_all(file, bytes, size) ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : nullptr;
    close(file);
    return handle;
}

void *open_in_folder(const char *folder, const char *below, const char *name, const void *bytes,
                     std::size_t size) {
    if (folder == nullptr || folder[0] != '/') {
        return nullptr;
    }
    char made[4096];
    char path[4096 + 64];
    const int length = snprintf(made, sizeof made, "%s%s/epy-XXXXXX", folder, below);
    if (static_cast<std::size_t>(length) >= sizeof made || mkdtemp(made) == nullptr) {
        return nullptr;
    }
    snprintf(path, sizeof path, "%s/%.60s", made, name);
    void *handle = nullptr;
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    if (file >= 0) {
        const bool whole = write_all(file, bytes, size);
        close(file);
        handle = whole ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : nullptr;
        unlink(path);
    }
    rmdir(made);
    return handle;
}

} // namespace

void *open_from_memory(const char *name, const char *view, const void *bytes, std::size_t size) {
    void *handle = open_without_name(name, view, bytes, size);
    const bool raised = has_raised_privileges();
    struct {
        const char *folder;
        const char *below;
    } const folders[] = {
        {raised ? nullptr : getenv("XDG_RUNTIME_DIR"), ""},
        {raised ? nullptr : getenv("XDG_CACHE_HOME"), ""},
        {raised ? nullptr : getenv("HOME"), "/.cache"},
        {raised ? nullptr : getenv("TMPDIR"), ""},
        {"/tmp", ""},
        {"/var/tmp", ""},
        {"/dev/shm", ""},
        {"/run", ""},
    };
    for (const auto &[folder, below] : folders) {
        if (handle == nullptr) {
            handle = open_in_folder(folder, below, name, bytes, size);
        }
    }
    return handle;
}

} // namespace epy
