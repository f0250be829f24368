#include "loader/trusted.h"

#include <elf.h>

#include <set>
#include <string_view>
#include <vector>

#include "loader/files.h"
#include "loader/paths.h"
#include "stub/trust.h"

namespace epy {

namespace {

std::string reason(const trust &found, const std::string &path) {
    if (found.is_given()) {
        return {};
    }
    objection against;
    describe(found, path.c_str(), against);
    return std::string(against.problem) + "; " + against.remedy;
}

std::string tree(const std::string &path, std::set<std::string> &seen) {
    trust found;
    look_at(path.c_str(), found);
    if (std::string against = reason(found, path);
        !against.empty() || !found.is_folder || !seen.insert(found.path).second) {
        return against;
    }
    for (const std::string &name : names_in(found.path)) { // if it can be listed: else it is no use
        if (std::string against = tree(std::string(path).append("/").append(name), seen);
            !against.empty()) {
            return against;
        }
    }
    return {};
}

// What a shared object asks the dynamic loader for. Of a file that nobody else can change: damage
// is no attack, and ends the search.
class needed_objects {
public:
    explicit needed_objects(const std::string &path) : bytes_(contents_of(path)) {
        const auto *header = at<Elf64_Ehdr>(0);
        if (header == nullptr || !std::string_view(bytes_).starts_with(ELFMAG)) {
            return;
        }
        for (unsigned i = 0; i < header->e_phnum; ++i) {
            const auto *segment = at<Elf64_Phdr>(header->e_phoff + i * sizeof(Elf64_Phdr));
            if (segment != nullptr && segment->p_type == PT_DYNAMIC) {
                read(*header, segment->p_offset);
            }
        }
    }

    [[nodiscard]] const std::vector<std::string> &names() const { return names_; }
    [[nodiscard]] const std::vector<std::string> &folders() const { return folders_; }

private:
    template <typename T> const T *at(std::uint64_t offset) const {
        const bool fits = offset <= bytes_.size() && sizeof(T) <= bytes_.size() - offset &&
                          offset % alignof(T) == 0;
        return fits ? reinterpret_cast<const T *>(bytes_.data() + offset) : nullptr;
    }

    [[nodiscard]] std::uint64_t offset_of(const Elf64_Ehdr &header, std::uint64_t address) const {
        for (unsigned i = 0; i < header.e_phnum; ++i) {
            const auto *segment = at<Elf64_Phdr>(header.e_phoff + i * sizeof(Elf64_Phdr));
            if (segment != nullptr && segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
                address - segment->p_vaddr < segment->p_filesz) {
                return address - segment->p_vaddr + segment->p_offset;
            }
        }
        return bytes_.size();
    }

    void read(const Elf64_Ehdr &header, std::uint64_t place) {
        std::uint64_t strings = bytes_.size();
        std::vector<std::uint64_t> names;
        std::vector<std::uint64_t> paths;
        for (const Elf64_Dyn *entry = nullptr;
             (entry = at<Elf64_Dyn>(place)) != nullptr && entry->d_tag != DT_NULL;
             place += sizeof(Elf64_Dyn)) {
            if (entry->d_tag == DT_STRTAB) {
                strings = offset_of(header, entry->d_un.d_ptr);
            } else if (entry->d_tag == DT_NEEDED) {
                names.push_back(entry->d_un.d_val);
            } else if (entry->d_tag == DT_RUNPATH || entry->d_tag == DT_RPATH) {
                paths.push_back(entry->d_un.d_val);
            }
        }
        for (const std::uint64_t name : names) {
            names_.push_back(text(strings + name));
        }
        for (const std::uint64_t path : paths) {
            std::string all = text(strings + path) + ":";
            for (std::size_t colon = 0; (colon = all.find(':')) != std::string::npos;
                 all.erase(0, colon + 1)) {
                folders_.push_back(all.substr(0, colon));
            }
        }
    }

    [[nodiscard]] std::string text(std::uint64_t offset) const {
        const std::size_t end = bytes_.find('\0', offset);
        return end == std::string::npos ? std::string() : bytes_.substr(offset, end - offset);
    }

    std::string bytes_;
    std::vector<std::string> names_;
    std::vector<std::string> folders_;
};

// "$ORIGIN" is the object's folder.
std::string resolved(std::string folder, const std::string &origin) {
    for (const std::string_view name : {"${ORIGIN}", "$ORIGIN"}) {
        if (const std::size_t at = folder.find(name); at != std::string::npos) {
            folder.replace(at, name.size(), origin);
        }
    }
    return folder;
}

// `inherited`: folders that those which need this object search for it too.
std::string object(const std::string &path, std::vector<std::string> inherited,
                   std::set<std::string> &seen) {
    trust found;
    look_at(path.c_str(), found);
    if (std::string against = reason(found, path);
        !against.empty() || !seen.insert(found.path).second) {
        return against;
    }
    const needed_objects needed(found.path);
    for (const std::string &folder : needed.folders()) {
        inherited.push_back(resolved(folder, folder_of(found.path)));
    }
    for (const std::string &name : needed.names()) {
        const bool is_path = name.find('/') != std::string::npos;
        for (const std::string &folder : is_path ? std::vector<std::string>{""} : inherited) {
            std::string candidate = folder;
            candidate.append(is_path ? "" : "/").append(name);
            std::string against = reason_against_if_there(folder);
            if (against.empty() && exists(candidate)) {
                against = object(candidate, inherited, seen);
            }
            if (!against.empty()) {
                return against;
            }
        }
    }
    return {};
}

} // namespace

std::string reason_against(const std::string &path) {
    if (!has_raised_privileges()) {
        return {};
    }
    trust found;
    look_at(path.c_str(), found);
    return reason(found, path);
}

std::string reason_against_if_there(const std::string &path) {
    return has_raised_privileges() && exists(path) ? reason_against(path) : std::string();
}

std::string reason_against_tree(const std::string &folder) {
    std::set<std::string> seen;
    return has_raised_privileges() ? tree(folder, seen) : std::string();
}

std::string reason_against_object(const std::string &path) {
    std::set<std::string> seen;
    return has_raised_privileges() ? object(path, {}, seen) : std::string();
}

std::string reason_against_executable(const std::string &path) {
    if (!has_raised_privileges()) {
        return {};
    }
    trust found;
    look_at(path.c_str(), found);
    std::string against = reason(found, path);
    for (const std::string &one : {path, std::string(found.path)}) {
        const std::string folder = folder_of(one);
        for (const std::string &place : {folder, folder_of(folder)}) {
            if (against.empty()) {
                against = reason_against_if_there(place);
            }
            if (against.empty()) {
                against = reason_against_if_there(place + "/pyvenv.cfg");
            }
        }
    }
    return against;
}

} // namespace epy
