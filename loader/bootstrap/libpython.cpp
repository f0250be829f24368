#include "loader/bootstrap/libpython.h"

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <vector>

#include "loader/files.h"
#include "loader/paths.h"

namespace epy {

namespace {

// The value of `key` in a pyvenv.cfg, empty if it is not there.
std::string venv_setting(const std::string &executable, const std::string &key) {
    for (const std::string &folder : {folder_of(executable), folder_of(folder_of(executable))}) {
        const std::string file = contents_of(folder + "/pyvenv.cfg");
        for (std::size_t start = 0, end = 0; start < file.size(); start = end + 1) {
            end = std::min(file.find('\n', start), file.size());
            const std::string line = file.substr(start, end - start);
            const std::size_t equals = line.find('=');
            if (equals == std::string::npos) {
                continue;
            }
            const std::size_t key_end = line.find_last_not_of(" \t", equals - 1);
            const std::size_t value = line.find_first_not_of(" \t", equals + 1);
            if (line.substr(0, key_end + 1) == key && value != std::string::npos) {
                return line.substr(value);
            }
        }
    }
    return {};
}

bool is_digit(char character) { return character >= '0' && character <= '9'; }

// What may stand behind the version in the library's name: what the executable's name says first.
// ".../python3.13t" is free-threaded, ".../python3.11d" and Debian's ".../python3.11-dbg" are for
// debugging.
std::vector<std::string> builds_of(const std::string &executable, const std::string &version) {
    const std::string named = executable.substr(executable.rfind(version) + version.size());
    return {named == "-dbg" ? "d" : named, "", "t", "d", "td"};
}

} // namespace

std::string version_in(const std::string &text) {
    for (std::size_t i = text.rfind('/') + 1; i + 2 < text.size(); ++i) {
        if (text[i] == '3' && text[i + 1] == '.' && is_digit(text[i + 2])) {
            std::size_t end = i + 2;
            while (end < text.size() && is_digit(text[end])) {
                ++end;
            }
            return text.substr(i, end - i);
        }
    }
    return {};
}

std::string libpython_of(const std::string &executable) {
    char resolved[PATH_MAX];
    if (realpath(executable.c_str(), resolved) == nullptr) {
        return {};
    }
    if (executable.compare(executable.rfind('/') + 1, 9, "libpython") == 0) {
        return executable;
    }
    const std::string version = version_in(resolved);
    const std::string prefix = folder_of(folder_of(resolved));
    for (const std::string &build : builds_of(resolved, version)) {
        for (const char *folder : {"/lib/", "/lib64/", "/lib/x86_64-linux-gnu/"}) {
            std::string file = prefix;
            file.append(folder).append("libpython").append(version).append(build);
            file.append(".so.1.0");
            if (exists(file)) {
                return file;
            }
        }
    }
    return {};
}

// In an environment it is a link, or a copy.
std::string base_executable(const std::string &executable) {
    char resolved[PATH_MAX];
    if (venv_setting(executable, "home").empty() ||
        realpath(executable.c_str(), resolved) == nullptr) {
        return executable;
    }
    if (resolved == executable) {
        for (const char *key : {"executable", "base-executable"}) {
            if (const std::string named = venv_setting(executable, key); exists(named)) {
                return named;
            }
        }
    }
    return resolved;
}

std::string venv_problem(const std::string &executable, const std::string &libpython) {
    if (executable.empty()) {
        return {};
    }
    if (is_hidden(executable)) {
        return "its Python, " + executable +
               ", is in a folder that the host's user may not search; let that user, or build the "
               "plugin again with another Python";
    }
    if (!exists(executable)) {
        return "its Python is gone: no file " + executable +
               "; make that virtual environment again, build the plugin again, or name another "
               "Python "
               "with EPY_PYTHON";
    }
    const std::string environment = version_in(venv_setting(executable, "version"));
    const std::string library = version_in(libpython);
    if (!environment.empty() && !library.empty() && environment != library) {
        return "the virtual environment of " + executable + " is for Python " + environment +
               ", but the plugin's Python is " + library + " (" + libpython +
               "); make the virtual environment again";
    }
    return {};
}

} // namespace epy
