#include "loader/bootstrap/candidates.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "loader/bootstrap/bundled.h"
#include "loader/bootstrap/cores.h"
#include "loader/bootstrap/libpython.h"
#include "loader/bootstrap/packages.h"
#include "loader/bootstrap/process.h"
#include "loader/files.h"
#include "loader/paths.h"
#include "loader/trusted.h"
#include "stub/trust.h"

namespace epy {

namespace {

bool has_standard_library(const std::string &prefix, const std::string &version) {
    const std::string number = version.substr(0, version.find_first_not_of("0123456789."));
    std::string digits = number;
    digits.erase(std::remove(digits.begin(), digits.end(), '.'), digits.end());
    for (const char *folder : {"/lib", "/lib64"}) {
        const std::string place = prefix + folder + "/python";
        if (exists(place + version + "/os.py") || exists(place + number + "/os.py") ||
            exists(place + digits + ".zip")) {
            return true;
        }
    }
    return false;
}

// Where it finds a library of that name; empty if nowhere. It is not kept open: who starts a Python
// whose start fails is to be able to unmap it.
std::string file_found_by_linker(const std::string &name) {
    void *handle = dlopen(name.c_str(), RTLD_LAZY | RTLD_LOCAL);
    if (handle == nullptr) {
        return {};
    }
    link_map *map = nullptr;
    std::string file = dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 ? map->l_name : "";
    dlclose(handle);
    return file;
}

// Where the installation lies that a libpython belongs to; empty without a standard library.
std::string prefix_of(const std::string &libpython, const std::string &version) {
    const std::string folder = folder_of(folder_of(libpython));
    for (const std::string &prefix : {folder, folder_of(folder)}) {
        if (has_standard_library(prefix, version)) {
            return prefix;
        }
    }
    return {};
}

class finder {
public:
    explicit finder(const python_wish &wish) : wish_(wish) {}

    std::vector<python_candidate> run() {
        if (!host() && !beside() && !variable() && !stamped()) {
            versions_ = versions_with_core(wish_);
            // Its bytecode is in the plugin.
            const std::string own = version_in(wish_.libpython == nullptr ? "" : wish_.libpython);
            std::stable_partition(versions_.begin(), versions_.end(),
                                  [&](const std::string &one) { return one == own; });
            on_path() || in_system();
        }
        return std::move(found_);
    }

private:
    // True: the search is over.
    bool add(python_candidate one) {
        found_.push_back(std::move(one));
        return found_.back().problem.empty() || found_.back().ends_search;
    }

    bool beside() {
        const std::string folder = folder_of(wish_.plugin) + "/epy/python";
        if (!exists(folder)) {
            return false;
        }
        python_candidate one{python_source::beside, {}, {}, reason_against_tree(folder)};
        for (const std::string &name : names_in(folder + "/lib")) {
            if (name.starts_with("libpython3.") && name.ends_with(".so.1.0")) {
                one.libpython = folder + "/lib/";
                one.libpython += name;
                one.executable = folder + "/bin/python";
                one.executable += version_in(name);
            }
        }
        if (one.libpython.empty()) {
            one.problem = "no libpython3.*.so.1.0 in " + folder + "/lib";
        }
        return add(std::move(one));
    }

    bool host() {
        return wish_.chosen_by_host != nullptr && *wish_.chosen_by_host != '\0' &&
               add_chosen(python_source::host, wish_.chosen_by_host, "epy_set_python",
                          "do not call it");
    }

    bool variable() {
        const char *value = has_raised_privileges() ? nullptr : std::getenv("EPY_PYTHON");
        return value != nullptr && *value != '\0' &&
               add_chosen(python_source::variable, value, "EPY_PYTHON", "unset EPY_PYTHON");
    }

    bool add_chosen(python_source source, const std::string &named, const char *by,
                    const char *remedy) {
        python_candidate one{source, {}, absolute(named), {}, true};
        one.libpython = libpython_of(one.executable);
        if (one.libpython.empty()) {
            one.problem = std::string(by) + " names " + named +
                          ", but no shared libpython was found for it; name the executable of a "
                          "Python that has one, or " +
                          remedy;
        } else {
            one.problem = venv_problem(one.executable, one.libpython);
        }
        return add(std::move(one));
    }

    bool stamped() {
        const std::string library = wish_.libpython == nullptr ? "" : wish_.libpython;
        if (library.empty() || is_in_bundle(wish_.plugin)) {
            return false;
        }
        python_candidate one{python_source::stamped, library,
                             wish_.executable == nullptr ? "" : wish_.executable};
        if (!exists(library)) {
            one.problem = "its Python is gone: no file " + library;
        } else {
            one.problem = venv_problem(one.executable, library);
            one.ends_search = true;
        }
        return add(std::move(one));
    }

    bool on_path() {
        const char *variable = has_raised_privileges() ? nullptr : std::getenv("PATH");
        std::string_view path = variable == nullptr ? "" : variable;
        while (!path.empty()) {
            const std::size_t end = std::min(path.find(':'), path.size());
            const std::string folder(path.substr(0, end));
            path.remove_prefix(std::min(end + 1, path.size()));
            // A relative folder is another one wherever the host happens to be.
            for (const std::string &version : versions_) {
                if (folder.starts_with('/') && add_program(folder, version)) {
                    return true;
                }
            }
        }
        return false;
    }

    bool add_program(const std::string &folder, const std::string &version) {
        python_candidate one{python_source::path, {}, folder + "/python" + version};
        if (!exists(one.executable)) {
            return false;
        }
        one.libpython = libpython_of(one.executable);
        one.problem = one.libpython.empty() ? one.executable + " has no shared libpython (" +
                                                  command_for_library(version) + ")"
                                            : venv_problem(one.executable, one.libpython);
        return add(std::move(one));
    }

    bool in_system() {
        for (const std::string &version : versions_) {
            const std::string name = "libpython" + version + ".so.1.0";
            for (const char *prefix : {"/usr/local", "/usr"}) {
                for (const char *folder : {"/lib/", "/lib64/", "/lib/x86_64-linux-gnu/"}) {
                    std::string file = std::string(prefix).append(folder).append(name);
                    if (exists(file) && add_library(file, prefix, version)) {
                        return true;
                    }
                }
            }
            if (ask_dynamic_linker(name, version)) {
                return true;
            }
        }
        return false;
    }

    bool add_library(const std::string &file, const std::string &prefix,
                     const std::string &version) {
        python_candidate one{python_source::system, file, prefix + "/bin/python" + version};
        if (!has_standard_library(prefix, version)) {
            one.problem = file + " has no standard library in " + prefix + "/lib/python" + version +
                          " (" + command_for_standard_library(version) + ")";
        }
        return add(std::move(one));
    }

    bool ask_dynamic_linker(const std::string &name, const std::string &version) {
        const std::string file = file_found_by_linker(name);
        if (file.empty()) {
            return false;
        }
        const std::string prefix = prefix_of(file, version);
        return add_library(file, prefix.empty() ? folder_of(folder_of(file)) : prefix, version);
    }

    const python_wish &wish_;
    std::vector<std::string> versions_;
    std::vector<python_candidate> found_;
};

// Libraries of Pythons that there is no core for.
std::string others_in_system(const std::vector<std::string> &served) {
    std::string others;
    for (const char *folder : {"/usr/local/lib", "/usr/lib64", "/usr/lib/x86_64-linux-gnu"}) {
        for (const std::string &name : names_in(folder)) {
            const std::string version = version_in(name);
            if (name == "libpython" + version + ".so.1.0" &&
                std::find(served.begin(), served.end(), version) == served.end()) {
                others.append(others.empty() ? "" : ", ").append(folder).append("/").append(name);
            }
        }
    }
    return others;
}

} // namespace

std::vector<python_candidate> find_candidates(const python_wish &wish) {
    return finder(wish).run();
}

std::string executable_of(const std::string &libpython) {
    constexpr std::string_view before = "/libpython";
    const std::size_t start = libpython.rfind(before);
    if (start == std::string::npos) {
        return {};
    }
    const std::string name = libpython.substr(start + before.size());
    const std::string version = name.substr(0, name.find(".so"));
    const std::string prefix = prefix_of(libpython, version);
    return prefix.empty() ? std::string() : prefix + "/bin/python" + version;
}

std::string describe(const std::vector<python_candidate> &candidates, const python_wish &wish) {
    if (!candidates.empty() && candidates.back().ends_search) {
        return candidates.back().problem;
    }
    std::string text;
    for (const python_candidate &one : candidates) {
        text.append(text.empty() ? "" : "; ").append(one.problem);
    }
    const std::vector<std::string> versions = versions_with_core(wish);
    if (versions.empty()) {
        const core_place place = find_core(wish, "311");
        return text + (text.empty() ? "" : "; ") + "epy has no core here: no file like " +
               place.file + "; install epy again";
    }
    std::string names;
    for (const std::string &version : versions) {
        names.append(names.empty() ? "" : ", ").append("libpython").append(version);
        names.append(".so.1.0");
    }
    text.append(text.empty() ? "" : "; ").append("no ").append(names);
    text.append(" that can be started in ")
        .append(folder_of(wish.plugin))
        .append("/epy/python, of a Python on PATH, in /usr/local or in /usr");
    if (const std::string others = others_in_system(versions); !others.empty()) {
        text.append(" (epy has no core for ").append(others).append(")");
    }
    // No system has packages of all versions.
    text += versions.size() == 1 ? "; install it (" : "; install the one that this system has (";
    return text + command_for_library(versions.front()) +
           "), or name another Python with EPY_PYTHON";
}

} // namespace epy
