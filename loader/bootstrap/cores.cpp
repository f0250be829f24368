#include "loader/bootstrap/cores.h"

#include <dlfcn.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>

#include "loader/bootstrap/process.h"
#include "loader/files.h"
#include "loader/inflate.h"
#include "loader/paths.h"
#include "loader/trusted.h"
#include "stub/memory_object.h"

namespace epy {

namespace {

constexpr std::string_view beginning = "_core.cpython-";
constexpr std::string_view ending = "-x86_64-linux-gnu.so";

std::string name_of_core(const std::string &tag) {
    return std::string(beginning).append(tag).append(ending);
}

std::vector<std::string> package_folders(const python_wish &wish) {
    std::vector<std::string> folders;
    if (!package_folder().empty()) {
        folders.push_back(package_folder());
    }
    if (wish.loader != nullptr) {
        folders.push_back(folder_of(wish.loader));
    }
    return folders;
}

// "_core.cpython-313t-x86_64-linux-gnu.so" -> "3.13t"; empty if it is none, or a debugging build's.
std::string version_of_core(std::string_view name) {
    if (!name.starts_with(beginning) || !name.ends_with(ending)) {
        return {};
    }
    name.remove_prefix(beginning.size());
    name.remove_suffix(ending.size());
    return name.size() < 3 || name[0] != '3' || name.ends_with('d')
               ? std::string()
               : std::string("3.").append(name.substr(1));
}

// "3.13t" -> 13
int minor_of(const std::string &version) {
    int minor = 0;
    std::from_chars(version.data() + 2, version.data() + version.size(), minor);
    return minor;
}

} // namespace

std::string version_tag(const char *version) {
    int major = 0;
    int minor = 0;
    const std::string_view text = version == nullptr ? std::string_view() : version;
    const char *const begin = text.data();
    const char *const end = begin + text.size();
    const auto [dot, problem] = std::from_chars(begin, end, major);
    if (problem != std::errc{} || dot == end || *dot != '.' ||
        std::from_chars(dot + 1, end, minor).ec != std::errc{}) {
        return {};
    }
    const bool free_threaded = text.find("free-threading") != std::string_view::npos;
    return std::to_string(major) + std::to_string(minor) + (free_threaded ? "t" : "");
}

core_place find_core(const python_wish &wish, const std::string &tag) {
    const std::string name = name_of_core(tag);
    const auto look_into_pack = [&] {
        const packed_bytes packed = find_packed(wish.pack, wish.pack_size, name.c_str());
        return core_place{
            std::string(wish.plugin).append("/").append(name), {}, packed, packed.start != nullptr};
    };
    core_place place;
    if (package_folder().empty()) { // what came with the loader is in the pack
        place = look_into_pack();
        if (place.is_there) {
            return place;
        }
        place.file.clear();
    }
    for (const std::string &folder : package_folders(wish)) {
        std::string file = std::string(folder).append("/").append(name);
        if (exists(file)) {
            return {file, folder, {}, true};
        }
        if (place.file.empty()) {
            place.file = std::move(file);
        }
    }
    if (core_place packed = look_into_pack(); packed.is_there) {
        return packed;
    }
    if (place.file.empty()) {
        place.file = name;
    }
    return place;
}

std::vector<std::string> versions_with_core(const python_wish &wish) {
    std::vector<std::string> versions;
    const auto add = [&](std::string_view name) {
        std::string version = version_of_core(name);
        if (!version.empty() &&
            std::find(versions.begin(), versions.end(), version) == versions.end()) {
            versions.push_back(std::move(version));
        }
    };
    for (const std::string &folder : package_folders(wish)) {
        for (const std::string &name : names_in(folder)) {
            add(name);
        }
    }
    visit_packed(wish.pack, wish.pack_size, [&](const packed_file &one) {
        add(std::string_view(one.name, strnlen(one.name, sizeof one.name)));
    });
    std::sort(versions.begin(), versions.end(), [](const auto &one, const auto &other) {
        return minor_of(one) != minor_of(other) ? minor_of(one) > minor_of(other) : one < other;
    });
    return versions;
}

std::string reason_against_core(const core_place &core) {
    if (core.folder.empty()) {
        return {};
    }
    std::string against =
        core.folder == package_folder() ? std::string() : reason_against_tree(core.folder);
    return against.empty() ? reason_against_object(core.file) : against;
}

void *open_core_object(const core_place &core) {
    if (!core.folder.empty()) {
        return dlopen(core.file.c_str(), RTLD_NOW | RTLD_LOCAL);
    }
    const unpacked_bytes object = unpack(core.packed);
    return object.start == nullptr
               ? nullptr
               : open_from_memory("epy-core.so", "/proc/thread-self/fd", object.start, object.size);
}

} // namespace epy
