#include "stub/memory_object.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
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

struct contents {
    const char *name;
    const void *bytes;
    std::size_t size;
    file_use *use;
    void *argument;

    [[nodiscard]] bool serve(const char *path, int file) const {
        return write_all(file, bytes, size) && use(path, file, argument);
    }
};

bool use_unnamed(const contents &one, const char *view) {
    int file = memfd_create(one.name, MFD_CLOEXEC | executable_memory);
    if (file < 0) {
        file = memfd_create(one.name, MFD_CLOEXEC);
    }
    if (file < 0) {
        return false;
    }
    char path[64];
    snprintf(path, sizeof path, "%s/%d", view, file);
    const bool served = one.serve(path, file);
    close(file);
    return served;
}

bool use_in_folder(const contents &one, const char *folder, const char *below) {
    if (folder == nullptr || folder[0] != '/') {
        return false;
    }
    char made[4096];
    char path[4096 + 64];
    const int length = snprintf(made, sizeof made, "%s%s/epy-XXXXXX", folder, below);
    if (static_cast<std::size_t>(length) >= sizeof made || mkdtemp(made) == nullptr) {
        return false;
    }
    snprintf(path, sizeof path, "%s/%.60s", made, one.name);
    bool served = false;
    const int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    if (file >= 0) {
        served = one.serve(path, file);
        close(file);
        unlink(path);
    }
    rmdir(made);
    return served;
}

} // namespace

const char memory_object_remedy[] =
    "let it map code from memory, set TMPDIR to a folder that is not mounted with noexec, lift a "
    "limit on the size of files, or install epy";

bool use_as_file(const char *name, const char *view, const void *bytes, std::size_t size,
                 file_use *use, void *argument) {
    rlimit limit{};
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < size) {
        return false; // to write it would end the process by SIGXFSZ
    }
    const contents one{name, bytes, size, use, argument};
    if (use_unnamed(one, view)) {
        return true;
    }
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
        if (use_in_folder(one, folder, below)) {
            return true;
        }
    }
    return false;
}

const char memory_remedy[] = "lift the limit on the memory of the host (ulimit -d, ulimit -v)";

bool lacks_memory() {
    constexpr std::size_t needed = 16 << 20; // libpython, and what that needs
    void *taken = mmap(nullptr, needed, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return taken == MAP_FAILED || munmap(taken, needed) != 0;
}

void *open_from_memory(const char *name, const char *view, const void *bytes, std::size_t size) {
    void *handle = nullptr;
    use_as_file(
        name, view, bytes, size,
        [](const char *path, int, void *opened) {
            void *&found = *static_cast<void **>(opened);
            found = dlopen(path, RTLD_NOW | RTLD_LOCAL);
            return found != nullptr;
        },
        &handle);
    return handle;
}

} // namespace epy
