#include "stub/finding.h"

#include <initializer_list>

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "stub/bundle.h"
#include "stub/mapped_bytes.h"
#include "stub/stub.h"

namespace epy {

namespace {

constexpr unsigned oldest_python = 11; // of CPython 3
constexpr unsigned newest_python = 30;

// The first members of the file's loader_api: its contracts, oldest and newest.
const std::uint32_t *contracts_in(const mapped_bytes &file) {
    const auto *header = file.at<Elf64_Ehdr>(0);
    if (header == nullptr || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_machine != EM_X86_64) {
        return nullptr;
    }
    const auto *sections = file.at<Elf64_Shdr>(header->e_shoff, header->e_shnum);
    for (unsigned i = 0; sections != nullptr && i < header->e_shnum; ++i) {
        if (sections[i].sh_type != SHT_DYNSYM || sections[i].sh_link >= header->e_shnum) {
            continue;
        }
        const std::uint64_t count = sections[i].sh_size / sizeof(Elf64_Sym);
        const auto *symbols = file.at<Elf64_Sym>(sections[i].sh_offset, count);
        const std::uint64_t names = sections[sections[i].sh_link].sh_offset;
        for (std::uint64_t k = 0; symbols != nullptr && k < count; ++k) {
            if (symbols[k].st_shndx < header->e_shnum &&
                file.has_text(names + symbols[k].st_name, loader_symbol)) {
                const Elf64_Shdr &holder = sections[symbols[k].st_shndx];
                return file.at<std::uint32_t>(
                    symbols[k].st_value - holder.sh_addr + holder.sh_offset, 2);
            }
        }
    }
    return nullptr;
}

class search {
public:
    search(const loader_request &wanted, loader_visit *visit, void *argument)
        : wanted_(wanted), visit_(visit), argument_(argument) {}

    bool look_at_file(loader_place place, const char *path) {
        return has_raised_privileges() ? look_closely(place, path) : visit_file(place, path);
    }

    bool look_below(loader_place place, const char *folder, std::size_t length, const char *below) {
        return make_path(folder, length, below) && look_at_file(place, path_);
    }

    // Not inlined: what was found takes much room.
    [[gnu::noinline]] bool look_beside(const char *folder, std::size_t length) {
        bundle_finding sent;
        if (is_bundle_trusted(folder, length)) {
            look_at_bundle(folder, length, "epy/libepy.so", sent);
        }
        if (sent.state == bundle::none || sent.state == bundle::whole) {
            return look_below(loader_place::beside, folder, length, "/epy/libepy.so");
        }
        return make_path(folder, length, "/") && append(sent.file) &&
               visit_(
                   {loader_place::beside, usable::damaged, path_, nullptr, describe(sent.state), 0},
                   argument_);
    }

    // Where the Pythons of a prefix have their packages.
    bool look_into_prefix(const char *prefix, std::size_t length) {
        char below[128];
        for (unsigned minor = newest_python; minor >= oldest_python; --minor) {
            for (const char *form : {"/lib/python3.%u/site-packages/epy/libepy.so",
                                     "/lib64/python3.%u/site-packages/epy/libepy.so",
                                     "/local/lib/python3.%u/dist-packages/epy/libepy.so",
                                     "/lib/python3.%u/dist-packages/epy/libepy.so"}) {
                snprintf(below, sizeof below, form, minor);
                if (look_if_there(prefix, length, below)) {
                    return true;
                }
            }
        }
        return look_if_there(prefix, length, "/lib/python3/dist-packages/epy/libepy.so");
    }

private:
    bool look_if_there(const char *prefix, std::size_t length, const char *below) {
        struct stat status {};
        return make_path(prefix, length, below) && stat(path_, &status) == 0 &&
               look_at_file(loader_place::installed, path_);
    }

    // With raised privileges what others can change is not even read: its loader is passed over.
    [[gnu::noinline]] bool is_bundle_trusted(const char *folder, std::size_t length) {
        if (!has_raised_privileges()) {
            return true;
        }
        trust found;
        if (!make_path(folder, length, "/epy/bundle")) {
            return false;
        }
        look_at(path_, found);
        return found.is_given();
    }

    bool append(const char *text) {
        const std::size_t size = strlen(path_);
        return static_cast<std::size_t>(snprintf(path_ + size, sizeof path_ - size, "%s", text)) <
               sizeof path_ - size;
    }

    // False if it is longer than a path may be.
    bool make_path(const char *folder, std::size_t length, const char *below) {
        const int size =
            snprintf(path_, sizeof path_, "%.*s%s", static_cast<int>(length), folder, below);
        return static_cast<std::size_t>(size) < sizeof path_;
    }

    // Not inlined: what was found takes much room, on a stack that may be small.
    [[gnu::noinline]] bool look_closely(loader_place place, const char *path) {
        trust found;
        look_at(path, found);
        const bool missing = found.why == doubt::missing;
        if (found.is_given()) {
            return visit_file(place, found.path);
        }
        return visit_(
            {place, missing ? usable::missing : usable::untrusted, path, &found, nullptr, 0},
            argument_);
    }

    bool visit_file(loader_place place, const char *path) {
        int error = 0;
        const usable verdict = serves(path, wanted_.contract, error);
        return visit_({place, verdict, path, nullptr, nullptr, error}, argument_);
    }

    const loader_request &wanted_;
    loader_visit *visit_;
    void *argument_;
    char path_[4096];
};

// The folder above a folder of programs: /usr for /usr/bin. 0: it has none.
std::size_t prefix_length(const char *folder, std::size_t length) {
    while (length > 1 && folder[length - 1] == '/') {
        --length;
    }
    while (length > 0 && folder[length - 1] != '/') {
        --length;
    }
    return length > 0 ? length - 1 : 0;
}

} // namespace

usable serves(const char *path, std::uint32_t contract, int &error) noexcept {
    struct stat status {};
    if (stat(path, &status) != 0) {
        error = errno;
        return error == ENOENT || error == ENOTDIR ? usable::missing : usable::unreadable;
    }
    const mapped_bytes file(path);
    if (S_ISREG(status.st_mode) && !file.is_readable()) {
        error = errno;
        return usable::unreadable;
    }
    const std::uint32_t *contracts = contracts_in(file);
    if (contracts == nullptr) {
        return usable::no_loader;
    }
    return contracts[0] <= contract && contract <= contracts[1] ? usable::yes
                                                                : usable::other_contract;
}

namespace {

// Beside, home and stamped.
bool look_at_named(search &here, const loader_request &wanted) {
    if (wanted.plugin != nullptr) {
        const char *slash = strrchr(wanted.plugin, '/');
        const char *folder = slash == nullptr ? "." : wanted.plugin;
        const std::size_t length =
            slash == nullptr ? 1 : static_cast<std::size_t>(slash - wanted.plugin);
        if (here.look_beside(folder, length)) {
            return true;
        }
    }
    const char *home = has_raised_privileges() ? nullptr : getenv("EPY_HOME");
    if (home != nullptr && *home != '\0' &&
        here.look_below(loader_place::home, home, strlen(home), "/libepy.so")) {
        return true;
    }
    return wanted.stamped != nullptr && here.look_at_file(loader_place::stamped, wanted.stamped);
}

bool look_at_installed(search &here) {
    const char *path = has_raised_privileges() ? nullptr : getenv("PATH");
    while (path != nullptr && *path != '\0') {
        const std::size_t length = strcspn(path, ":");
        // A relative folder is another one wherever the host happens to be.
        if (*path == '/' && here.look_into_prefix(path, prefix_length(path, length))) {
            return true;
        }
        path += length + (path[length] == ':' ? 1 : 0);
    }
    for (const char *prefix : {"/usr/local", "/usr"}) {
        if (here.look_into_prefix(prefix, strlen(prefix))) {
            return true;
        }
    }
    return false;
}

} // namespace

void look_at_loaders(const loader_request &wanted, loader_visit *visit, void *argument) noexcept {
    search here(wanted, visit, argument);
    look_at_named(here, wanted) ||
        (wanted.has_own &&
         visit({loader_place::own, usable::yes, wanted.plugin, nullptr, nullptr, 0}, argument)) ||
        look_at_installed(here);
}

} // namespace epy
