#include "loader/bootstrap/bundled.h"

#include <dlfcn.h>

#include <vector>

#include "loader/files.h"
#include "loader/paths.h"
#include "loader/trusted.h"
#include "stub/bundle.h"

namespace epy {

bool is_in_bundle(const std::string &plugin) { return exists(folder_of(plugin) + "/epy/bundle"); }

std::string reason_against_bundle(const std::string &plugin) {
    if (!is_in_bundle(plugin)) {
        return {};
    }
    const std::string folder = folder_of(plugin);
    if (std::string against = reason_against_tree(folder + "/epy"); !against.empty()) {
        return against;
    }
    bundle_finding found;
    look_at_bundle(folder.c_str(), folder.size(), nullptr, found);
    if (found.state == bundle::none || found.state == bundle::whole) {
        return {};
    }
    return std::string("the bundle that it lies in is not whole: ")
        .append(folder)
        .append("/")
        .append(found.file)
        .append(" ")
        .append(describe(found.state))
        .append("; ")
        .append(bundle_remedy);
}

void open_libraries_of_bundle(const std::string &plugin) {
    if (!is_in_bundle(plugin)) {
        return;
    }
    const std::string folder = folder_of(plugin) + "/epy/lib/";
    std::vector<std::string> left = names_in(folder);
    // They need each other: what cannot be opened yet can be after another.
    for (std::size_t before = left.size() + 1; left.size() < before;) {
        before = left.size();
        std::erase_if(left, [&](const std::string &name) {
            return dlopen(name.c_str(), RTLD_LAZY | RTLD_LOCAL) != nullptr ||
                   dlopen((folder + name).c_str(), RTLD_LAZY | RTLD_LOCAL) != nullptr;
        });
    }
}

} // namespace epy
