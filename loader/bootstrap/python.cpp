// How Python is found:
//   1. a Python that is initialized in this process: join it;
//   2. a Python that the host has loaded for everyone but not started (a host linked with
//   libpython):
//      start that one, because two would share their symbols;
//   3. one that is found (candidates.h): open its libpython and start it.
// Then its symbols are made global, so that extension modules find them, and the core for its
// version is opened, which knows that version's structures: the core starts it, not this file.
#include "loader/bootstrap/python.h"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "loader/bootstrap/candidates.h"
#include "loader/bootstrap/conversions.h"
#include "loader/bootstrap/cores.h"
#include "loader/bootstrap/gil.h"
#include "loader/bootstrap/host_classes.h"
#include "loader/bootstrap/last_error.h"
#include "loader/bootstrap/leaving.h"
#include "loader/bootstrap/libpython.h"
#include "loader/bootstrap/log_sinks.h"
#include "loader/bootstrap/plugin.h"
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

template <typename Function> Function *look_up(void *handle, const char *name) {
    return reinterpret_cast<Function *>(dlsym(handle, name));
}

std::atomic<const core_api *> opened_core = nullptr;
std::atomic<bool> is_started_by_epy = false;

// The host has finalized the Python that plugins ran in.
std::atomic<bool> is_gone = false;
std::atomic<bool> said_that_it_is_gone = false;

start &python_start() {
    static auto *the_start =
        new start("Python", "no library's constructor, and nobody who loads one, must "
                            "wait for a thread that calls a plugin");
    return *the_start;
}

void python_is_gone() noexcept {
    is_started_by_epy = false;
    opened_core = nullptr;
    said_that_it_is_gone = false;
    is_gone = true;
    forget_python();
    plugin::forget_scripts();
    python_start().renew();
}

void complain_of_end(const char *called) noexcept {
    if (is_gone && !said_that_it_is_gone.exchange(true)) {
        report(called, "the host has finalized Python: calls return their error values until it "
                       "initializes Python again");
    }
}

// A Python that the host has finalized is its own matter: it may initialize it again.
bool is_finalized(const python_wish &wish, const python_objects &found) {
    if (!is_gone || std::any_of(found.begin(), found.end(), [](const python_object &one) {
            return one.is_initialized() != 0;
        })) {
        return false;
    }
    complain_of_end(wish.plugin);
    return true;
}

// Debugging builds have a function that the others lack, and say so nowhere else.
bool is_debugging_build(void *handle) {
    return look_up<void()>(handle, "_Py_NegativeRefcount") != nullptr;
}

// "3.11.2 (main, ...)" -> "311", with "t" for a free-threaded build; empty if it is no version.
std::string version_tag(const char *version) {
    int major = 0;
    int minor = 0;
    if (version == nullptr || std::sscanf(version, "%d.%d", &major, &minor) != 2) {
        return {};
    }
    const bool free_threaded = std::strstr(version, "free-threading") != nullptr;
    return std::to_string(major) + std::to_string(minor) + (free_threaded ? "t" : "");
}

struct chosen_python {
    void *handle = nullptr;
    std::string file;
    std::string executable;
    bool start = false;
    bool ours = false;   // epy starts it, or has
    bool chosen = false; // by EPY_PYTHON or the host
};

// By epy_set_python, absolute; never freed.
std::atomic<const std::string *> chosen_by_host = nullptr;

// What was asked for in a start of epy's that failed when Python was there already: the next one
// goes on from there. Null if there is none; guarded by `python_start`.
struct unfinished_start {
    std::string executable;
    bool chosen;
};
const unfinished_start *unfinished = nullptr;

// Also where a Python runs already: its own files are its host's matter, what epy brings is not.
std::string reason_against_wish(const python_wish &wish) {
    if (!has_raised_privileges()) {
        return {};
    }
    std::string against =
        package_folder().empty() ? std::string() : reason_against_tree(package_folder());
    if (against.empty() && wish.executable != nullptr && exists(wish.executable)) {
        against = reason_against_executable(wish.executable);
    }
    return against;
}

std::string reason_against_candidate(const python_candidate &one) {
    std::string against = reason_against_object(one.libpython);
    if (against.empty() && exists(one.executable)) {
        against = reason_against_executable(one.executable);
    }
    return against;
}

void *open_again(const python_object &one) {
    return dlopen(*one.file == '\0' ? nullptr : one.file, RTLD_NOW | RTLD_NOLOAD);
}

bool choose(const python_wish &wish, chosen_python &chosen) {
    const python_object *initialized = nullptr;
    const python_objects found = find_pythons();
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
    if (initialized != nullptr) {
        remember_python(*initialized); // so that threads that wait for this one release the GIL
        chosen = {open_again(*initialized),
                  initialized->file,
                  unfinished == nullptr ? std::string() : unfinished->executable,
                  false,
                  unfinished != nullptr,
                  unfinished != nullptr && unfinished->chosen};
        return true;
    }
    python_wish asked = wish;
    const std::string *named = chosen_by_host;
    asked.chosen_by_host = named == nullptr ? nullptr : named->c_str();
    const std::vector<python_candidate> candidates = find_candidates(asked);
    const bool is_found = !candidates.empty() && candidates.back().problem.empty();
    if (!candidates.empty()) {
        chosen.executable = candidates.back().executable;
        chosen.file = candidates.back().libpython;
        chosen.chosen = candidates.back().source == python_source::host ||
                        candidates.back().source == python_source::variable;
    }
    chosen.start = true;
    chosen.ours = true;
    // Loaded for everyone: its symbols would win over those of any other libpython.
    const void *global = dlsym(RTLD_DEFAULT, "Py_IsInitialized");
    for (const python_object &one : found) {
        if (reinterpret_cast<const void *>(one.is_initialized) == global) {
            chosen.handle = open_again(one);
            chosen.file = one.file;
            return true;
        }
    }
    if (!is_found) {
        report(wish.plugin, "%s", describe(candidates, wish).c_str());
        return false;
    }
    if (const std::string against = reason_against_candidate(candidates.back()); !against.empty()) {
        report(wish.plugin, "%s", against.c_str());
        return false;
    }
    if (wish.libpython != nullptr && candidates.back().source != python_source::stamped) {
        note(log_level::info, wish.plugin,
             "starts the Python in %s, not the one it was built for (%s)", chosen.file.c_str(),
             wish.libpython);
    }
    chosen.handle = dlopen(chosen.file.c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (chosen.handle == nullptr) {
        report(wish.plugin, "cannot open its Python: %s; install that Python again", dlerror());
        return false;
    }
    return true;
}

constexpr host_services services_for_hosts = {set_error, give_to_sink, find_class, has_sink};

// What a plugin brings along is as good as the plugin.
std::string reason_against_core(const core_place &core) {
    if (core.folder.empty()) {
        return {};
    }
    std::string against =
        core.folder == package_folder() ? std::string() : reason_against_tree(core.folder);
    return against.empty() ? reason_against_object(core.file) : against;
}

void *open_core_object(const core_place &core) {
    return core.folder.empty() ? open_from_memory("epy-core.so", "/proc/thread-self/fd",
                                                  core.packed.start, core.packed.size)
                               : dlopen(core.file.c_str(), RTLD_NOW | RTLD_LOCAL);
}

// `is_to_be_joined`: somebody else has started this Python meanwhile.
const core_api *open_core(const python_wish &wish, const chosen_python &python,
                          bool &is_to_be_joined) {
    is_to_be_joined = false;
    const char *file = python.file.empty() ? nullptr : python.file.c_str();
    const char *shown = file == nullptr ? "the executable" : file;
    // Hosts load Python for themselves only; extension modules need its symbols.
    if (file != nullptr) {
        dlopen(file, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
    }
    auto *version = look_up<const char *()>(python.handle, "Py_GetVersion");
    const char *number = version == nullptr ? "unknown version" : version();
    const std::string tag = version == nullptr ? std::string() : version_tag(number);
    core_place core = find_core(wish, tag + "d");
    if (!is_debugging_build(python.handle) || !core.is_there) {
        core = find_core(wish, tag); // serves both, as any extension since CPython 3.8
    }
    if (tag.empty() || !core.is_there) {
        report(wish.plugin,
               "epy has no core for the Python in %s (%s): no file %s; install epy for it", shown,
               number, core.file.c_str());
        return nullptr;
    }
    if (const std::string against = reason_against_core(core); !against.empty()) {
        report(wish.plugin, "%s", against.c_str());
        return nullptr;
    }
    note(log_level::info, wish.plugin, "%s the Python in %s (%s)",
         python.start ? "starts" : "joins", shown, number);
    note(log_level::debug, wish.plugin, "its core is %s", core.file.c_str());
    make_conversions_safe(reinterpret_cast<void *>(version));
    void *handle = open_core_object(core);
    auto *open =
        handle == nullptr ? nullptr : look_up<core_open_function>(handle, core_open_symbol);
    if (open == nullptr) {
        report(wish.plugin, "cannot open epy's core: %s; install epy again", dlerror());
        return nullptr;
    }
    char error[1024] = "";
    const std::string executable = base_executable(python.executable);
    const core_options options{core_api_version,
                               wish.plugin,
                               python.start,
                               python.ours,
                               executable.empty() ? nullptr : executable.c_str(),
                               python.executable.empty() ? nullptr : python.executable.c_str(),
                               python.chosen,
                               core.folder.empty() ? nullptr : core.folder.c_str(),
                               wish.pack,
                               wish.pack_size,
                               error,
                               sizeof error,
                               replace_functions,
                               python_needed_by,
                               python_is_gone,
                               complain_of_end,
                               &current_log_settings()};
    const core_api *api = open(&options);
    is_to_be_joined = api == nullptr && *error == '\0';
    if (python.start && !is_to_be_joined) {
        auto *started = look_up<int()>(python.handle, "Py_IsInitialized");
        for (const python_object &one : find_pythons()) {
            if (one.is_initialized == started) {
                remember_python(one);
                unfinished = api == nullptr && one.is_initialized() != 0
                                 ? new unfinished_start{python.executable, python.chosen}
                                 : nullptr;
            }
        }
    }
    if (is_to_be_joined) {
        return nullptr;
    }
    if (api == nullptr) {
        report(wish.plugin, "%s", error);
    } else {
        api->embed->serve(&services_for_hosts);
    }
    return api;
}

} // namespace

python_state open_python(const python_wish &wish, const core_api *&core,
                         const std::chrono::steady_clock::time_point *until) {
    if (const std::string against = reason_against_wish(wish); !against.empty()) {
        report(wish.plugin, "%s", against.c_str());
        return python_state::failed;
    }
    switch (python_start().begin(until)) {
    case turn::circular:
        return python_state::circular;
    case turn::failed:
    case turn::absent:
        // The start may work for another plugin, whose stamped Python is there.
    case turn::ready:
        break;
    case turn::ours: {
        if (wish.loader != nullptr && wish.loader != package_folder() + "/libepy.so") {
            note(log_level::info, wish.plugin,
                 "runs with the epy in %s, not the one that built it (%s)",
                 package_folder().empty() ? "a plugin" : package_folder().c_str(), wish.loader);
        }
        chosen_python python;
        const core_api *api = nullptr;
        if (is_finalized(wish, find_pythons())) {
            python_start().finish(turn::absent);
            return python_state::gone;
        }
        try {
            bool again = false;
            do {
                python = {};
                api = choose(wish, python) ? open_core(wish, python, again) : nullptr;
            } while (again);
        } catch (const std::exception &) {
            python_start().finish(turn::ours);
            throw;
        }
        opened_core = api;
        if (api != nullptr) {
            is_gone = false;
            is_started_by_epy = python.ours;
            arrange_exit(python.ours);
        }
        // Not a failure for good: another plugin's Python may be there.
        python_start().finish(api == nullptr ? turn::ours : turn::ready);
        core = api;
        return api == nullptr ? python_state::failed : python_state::ready;
    }
    }
    core = opened_core;
    return core == nullptr ? python_state::failed : python_state::ready;
}

bool choose_python(const char *executable) {
    if (!python_start().is_fresh()) {
        set_error("epy_set_python", nullptr,
                  "a Python runs already: choose before any plugin starts");
        return false;
    }
    chosen_by_host = new std::string(absolute(executable));
    return true;
}

bool is_python_untouched() { return python_start().is_fresh(); }

void set_import_error(const char *text) noexcept {
    for (const python_object &one : find_pythons()) {
        if (one.is_initialized() != 0) {
            void *handle = open_again(one);
            auto *set = look_up<void(void *, const char *)>(handle, "PyErr_SetString");
            auto *kind = static_cast<void **>(dlsym(handle, "PyExc_ImportError"));
            if (set != nullptr && kind != nullptr) {
                set(*kind, text);
            }
            return;
        }
    }
}

const core_api *the_core() noexcept { return opened_core; }

bool is_python_ours() noexcept { return is_started_by_epy; }

} // namespace epy
