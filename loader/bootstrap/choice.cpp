#include "loader/bootstrap/choice.h"

#include <dlfcn.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

#include "loader/bootstrap/bundled.h"
#include "loader/bootstrap/candidates.h"
#include "loader/bootstrap/process.h"
#include "loader/bootstrap/replace.h"
#include "loader/bootstrap/report.h"
#include "loader/bootstrap/start.h"
#include "loader/paths.h"
#include "loader/trusted.h"
#include "stub/memory_object.h"
#include "stub/trust.h"

namespace epy {

namespace {

// Never freed.
std::atomic<const std::string *> chosen_by_host = nullptr;

struct unfinished_start {
    std::string executable;
    bool chosen;
};
const unfinished_start *unfinished = nullptr;

// A Python whose start failed, and the core for it.
struct {
    void *python;
    void *core;
    bool stays; // somebody else has loaded it meanwhile
} half_started;

// For what dlclose takes: if it lacks that, nothing in the process is ever unloaded again. A block
// that is only freed again a compiler takes for one that could be had (GCC 16 does), unless its
// address is stored.
bool is_memory_there() noexcept {
    void *volatile taken = std::malloc(16 << 10);
    const bool is_there = taken != nullptr;
    std::free(taken);
    return is_there;
}

void unload_half_started() noexcept {
    if (half_started.core != nullptr) {
        dlclose(half_started.core);
    }
    dlclose(half_started.python);
    const python_objects still = find_pythons();
    half_started = {nullptr, nullptr, still.count != 0};
}

std::string reason_against_candidate(const python_candidate &one) {
    std::string against = reason_against_object(one.libpython);
    if (against.empty() && exists(one.executable)) {
        against = reason_against_executable(one.executable);
    }
    return against;
}

// The Python that runs, or null. False after saying that there are two.
bool find_initialized(const python_wish &wish, const python_objects &found,
                      const python_object *&initialized) {
    for (const python_object &one : found) {
        if (one.is_initialized() == 0) {
            continue;
        }
        if (initialized != nullptr && one.main_interpreter() != initialized->main_interpreter()) {
            report(
                wish.plugin,
                "this process runs two Pythons (%s and %s) and epy cannot tell which one to use; "
                "start only one of them before the plugin is called",
                initialized->file, one.file);
            return false;
        }
        initialized = &one;
    }
    return true;
}

// Loaded for everyone: its symbols would win over those of any other libpython.
bool take_loaded_for_all(const python_objects &found, chosen_python &chosen) {
    const void *global = dlsym(RTLD_DEFAULT, "Py_IsInitialized");
    for (const python_object &one : found) {
        if (reinterpret_cast<const void *>(one.is_initialized) == global) {
            chosen.handle = open_again(one);
            chosen.base = is_same_file(chosen.file, one.file) ? "" : executable_of(one.file);
            chosen.file = one.file;
            return true;
        }
    }
    return false;
}

// The last of the candidates; false after saying why not.
bool is_usable(const python_wish &wish, const std::vector<python_candidate> &candidates) {
    if (candidates.empty() || !candidates.back().problem.empty()) {
        report(wish.plugin, "%s", describe(candidates, wish).c_str());
        return false;
    }
    const std::string against = reason_against_candidate(candidates.back());
    if (!against.empty()) {
        report(wish.plugin, "%s", against.c_str());
    }
    return against.empty();
}

bool open_anew(const python_wish &wish, const python_objects &found, const python_candidate &from,
               chosen_python &chosen) {
    if (wish.libpython != nullptr && from.source != python_source::stamped) {
        note(log_level::info, wish.plugin,
             "starts the Python in %s, not the one it was built for (%s)", chosen.file.c_str(),
             wish.libpython);
    }
    chosen.is_new = found.count == 0;
    chosen.handle = dlopen(chosen.file.c_str(), RTLD_LAZY | RTLD_GLOBAL);
    if (chosen.handle == nullptr) {
        report(wish.plugin, "cannot open its Python: %s; %s", dlerror(),
               lacks_memory() ? memory_remedy : "install that Python again");
    }
    return true;
}

} // namespace

std::string reason_against_wish(const python_wish &wish) {
    if (std::string against = reason_against_bundle(wish.plugin);
        !against.empty() || !has_raised_privileges()) {
        return against;
    }
    std::string against =
        package_folder().empty() ? std::string() : reason_against_tree(package_folder());
    if (against.empty() && wish.executable != nullptr && exists(wish.executable)) {
        against = reason_against_executable(wish.executable);
    }
    return against;
}

void *open_again(const python_object &one) {
    return dlopen(*one.file == '\0' ? nullptr : one.file, RTLD_NOW | RTLD_NOLOAD);
}

bool choose(const python_wish &wish, chosen_python &chosen) {
    const python_objects found = find_pythons();
    const python_object *initialized = nullptr;
    if (!find_initialized(wish, found, initialized)) {
        return false;
    }
    if (initialized != nullptr) {
        remember_python(*initialized); // so that threads that wait for this one release the GIL
        chosen = {open_again(*initialized),
                  initialized->file,
                  unfinished == nullptr ? std::string() : unfinished->executable,
                  {},
                  false,
                  unfinished != nullptr,
                  unfinished != nullptr && unfinished->chosen};
        return true;
    }
    python_wish asked = wish;
    const std::string *named = chosen_by_host;
    asked.chosen_by_host = named == nullptr ? nullptr : named->c_str();
    const std::vector<python_candidate> candidates = find_candidates(asked);
    if (!candidates.empty()) {
        chosen.executable = candidates.back().executable;
        chosen.file = candidates.back().libpython;
        chosen.chosen = candidates.back().source == python_source::host ||
                        candidates.back().source == python_source::variable;
    }
    chosen.start = true;
    chosen.ours = true;
    return take_loaded_for_all(found, chosen) ||
           (is_usable(wish, candidates) && open_anew(wish, found, candidates.back(), chosen));
}

bool unload(const chosen_python &python, void *core) noexcept {
    if (!python.is_new) {
        return false;
    }
    put_functions_back(); // of the core, into which nothing leads now
    half_started = {python.handle, core, false};
    if (is_memory_there()) {
        unload_half_started();
    }
    return true;
}

bool unload_the_rest() {
    if (half_started.python != nullptr) {
        if (!is_memory_there()) {
            throw std::bad_alloc();
        }
        unload_half_started();
    }
    return !half_started.stays || find_pythons().count == 0;
}

void note_unfinished_start(const chosen_python *python) {
    unfinished =
        python == nullptr ? nullptr : new unfinished_start{python->executable, python->chosen};
}

void choose_for_host(const std::string &executable) {
    chosen_by_host = new std::string(executable);
}

} // namespace epy
