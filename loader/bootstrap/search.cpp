// The search for a plugin's loader and Python, for epy's commands, which call it through ctypes:
// what is looked at in this process, in order, with the code that a plugin's start runs.
#include <cstddef>

#include "loader/bootstrap/candidates.h"
#include "loader/bootstrap/packages.h"
#include "stub/finding.h"

using epy::loader_candidate;
using epy::python_candidate;
using epy::python_wish;

// As _command/search.py has it.
static_assert(offsetof(python_wish, plugin) == 0 && offsetof(python_wish, libpython) == 8 &&
              offsetof(python_wish, executable) == 16 && offsetof(python_wish, loader) == 24 &&
              offsetof(python_wish, pack) == 32 && offsetof(python_wish, pack_size) == 40 &&
              offsetof(python_wish, chosen_by_host) == 48 && sizeof(python_wish) == 56);

extern "C" {

// What can be used ends the search, as it does for the stub.
using loader_seen = void(int place, int verdict, const char *path, const char *why);

[[gnu::visibility("default")]] void epy_find_loaders(const char *plugin, const char *stamped,
                                                     int has_own, std::uint32_t contract,
                                                     loader_seen *seen) noexcept {
    const epy::loader_request wanted{plugin, stamped, has_own != 0, contract};
    epy::look_at_loaders(
        wanted,
        [](const loader_candidate &one, void *argument) {
            reinterpret_cast<loader_seen *>(argument)(
                static_cast<int>(one.place), static_cast<int>(one.verdict), one.path, one.why);
            return one.verdict == epy::usable::yes || one.verdict == epy::usable::damaged;
        },
        reinterpret_cast<void *>(seen));
}

using python_seen = void(int source, const char *libpython, const char *executable,
                         const char *problem);

// Last, with a source of -1, what a plugin says where none can be used.
[[gnu::visibility("default")]] void epy_find_pythons(const python_wish *wish, python_seen *seen) {
    const auto candidates = epy::find_candidates(*wish);
    for (const python_candidate &one : candidates) {
        seen(static_cast<int>(one.source), one.libpython.c_str(), one.executable.c_str(),
             one.problem.c_str());
    }
    if (candidates.empty() || !candidates.back().problem.empty()) {
        seen(-1, "", "", epy::describe(candidates, *wish).c_str());
    }
}

// What installs the library of a Python ("3.11") here.
using text_taken = void(const char *text);

[[gnu::visibility("default")]] void epy_command_for_library(const char *version, text_taken *take) {
    take(epy::command_for_library(version).c_str());
}

} // extern "C"
