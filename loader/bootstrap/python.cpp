// Python's way into this process, and out of it: it is chosen (choice.h) and opened, its symbols
// are made global, so that extension modules find them, and the core for its version is opened,
// which knows that version's structures: the core starts it, not this file.
#include "loader/bootstrap/python.h"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "loader/bootstrap/brought.h"
#include "loader/bootstrap/bundled.h"
#include "loader/bootstrap/choice.h"
#include "loader/bootstrap/conversions.h"
#include "loader/bootstrap/cores.h"
#include "loader/bootstrap/gil.h"
#include "loader/bootstrap/host_classes.h"
#include "loader/bootstrap/last_error.h"
#include "loader/bootstrap/leaving.h"
#include "loader/bootstrap/libpython.h"
#include "loader/bootstrap/lineage.h"
#include "loader/bootstrap/log_sinks.h"
#include "loader/bootstrap/plugin.h"
#include "loader/bootstrap/process.h"
#include "loader/bootstrap/replace.h"
#include "loader/bootstrap/report.h"
#include "loader/bootstrap/room.h"
#include "loader/bootstrap/start.h"
#include "loader/paths.h"
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
// What is said once for each Python.
std::atomic<bool> said_that_it_ends = false;
std::atomic<bool> said_that_it_is_between = false;

start &python_start() {
    static auto *the_start =
        new start("Python", "no library's constructor, and nobody who loads one, must "
                            "wait for a thread that calls a plugin");
    return *the_start;
}

void python_is_gone() noexcept {
    is_started_by_epy = false;
    is_gone = true; // before the core, which others look for
    opened_core = nullptr;
    forget_python();
    plugin::forget_scripts();
    python_start().renew();
}

void complain_of_end(const char *called) noexcept {
    if (!said_that_it_ends.exchange(true)) {
        report(called, "the host has finalized Python: calls return their error values until it "
                       "initializes Python again");
    }
}

// A Python that the host has finalized is its own matter: it may initialize it again. Who ran in it
// waits for that. Others find a process without Python: a host that has loaded, or first calls, a
// plugin since then goes on (Apache does at each restart).
bool is_finalized(const python_wish &wish, bool has_run, const python_objects &found) {
    if (!is_gone || !has_run ||
        std::any_of(found.begin(), found.end(),
                    [](const python_object &one) { return one.is_initialized() != 0; })) {
        return false;
    }
    complain_of_end(wish.plugin);
    return true;
}

// Debugging builds have a function that the others lack, and say so nowhere else.
bool is_debugging_build(void *handle) {
    return look_up<void()>(handle, "_Py_NegativeRefcount") != nullptr;
}

constexpr host_services services_for_hosts = {set_error, give_to_sink, find_class, has_sink};

// note_unfinished_start has been called before, when there was memory for it.
void note_outcome_of_start(const chosen_python &python, bool is_open, bool is_another) {
    auto *started = look_up<int()>(python.handle, "Py_IsInitialized");
    if (is_another || (!is_open && (started == nullptr || started() == 0))) {
        note_unfinished_start(nullptr);
        return;
    }
    for (const python_object &one : find_pythons()) {
        if (one.is_initialized == started) {
            remember_python(one);
        }
    }
    if (is_open) {
        note_unfinished_start(nullptr);
    }
}

// `another`: somebody else has started this Python meanwhile, it is to be joined. The last two have
// said why; what has failed may work another time, from the beginning; `between` will.
enum class opening { done, another, between, refused, failed };

opening open_core(const python_wish &wish, const chosen_python &python, const core_api *&api) {
    const char *file = python.file.empty() ? nullptr : python.file.c_str();
    const char *shown = file == nullptr ? "the executable" : file;
    // Hosts load Python for themselves only; extension modules need its symbols.
    if (file != nullptr && !python.start) {
        dlopen(file, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
    }
    auto *version = look_up<const char *()>(python.handle, "Py_GetVersion");
    const std::string text = version == nullptr ? "" : version();
    const std::string tag = version_tag(text.c_str());
    const std::string number = text.substr(0, text.find(' ')); // the rest may be two lines
    core_place core = find_core(wish, tag + "d");
    if (!is_debugging_build(python.handle) || !core.is_there) {
        core = find_core(wish, tag); // serves both, as any extension since CPython 3.8
    }
    if (tag.empty() || !core.is_there) {
        report(wish.plugin,
               "epy has no core for the Python in %s (%s): no file %s; install epy for it, which "
               "takes CPython 3.11 or newer, or name another Python with EPY_PYTHON",
               shown, number.c_str(), core.file.c_str());
        return opening::refused;
    }
    if (const std::string against = reason_against_core(core); !against.empty()) {
        report(wish.plugin, "%s", against.c_str());
        return opening::refused;
    }
    note(log_level::info, wish.plugin, "%s the Python in %s (%s)",
         python.start ? "starts" : "joins", shown, number.c_str());
    note(log_level::debug, wish.plugin, "its core is %s", core.file.c_str());
    make_conversions_safe(reinterpret_cast<void *>(version));
    void *handle = open_core_object(core);
    auto *open =
        handle == nullptr ? nullptr : look_up<core_open_function>(handle, core_open_symbol);
    if (open == nullptr) {
        const char *why = dlerror();
        const bool is_refused = core.folder.empty() && why != nullptr;
        report(wish.plugin, "cannot open epy's core: %s; %s",
               why == nullptr ? "what the plugin brings along is damaged" : why,
               why != nullptr && lacks_memory() ? memory_remedy
               : is_refused                     ? memory_object_remedy
                                                : "install epy again");
        unload(python, handle);
        return opening::failed;
    }
    char error[1024] = "";
    bool no_memory = false;
    bool is_between = false;
    const std::string executable =
        python.base.empty() ? base_executable(python.executable) : python.base;
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
                               &no_memory,
                               &is_between,
                               replace_functions,
                               python_needed_by,
                               python_is_gone,
                               complain_of_end,
                               &current_log_settings(),
                               mark_to_run,
                               take_to_run};
    if (python.start) {
        note_unfinished_start(&python);
    }
    api = open(&options);
    const bool is_to_be_joined = api == nullptr && *error == '\0';
    if (python.start) {
        note_outcome_of_start(python, api != nullptr, is_to_be_joined);
    }
    if (is_between && !said_that_it_is_between.exchange(true)) {
        report(wish.plugin, "the host begins or ends Python on this thread: calls return their "
                            "error values until it has done so");
    }
    if (is_to_be_joined) {
        return is_between ? opening::between : opening::another;
    }
    const bool is_unloaded = api == nullptr && python.start &&
                             look_up<int()>(python.handle, "Py_IsInitialized")() == 0 &&
                             unload(python, handle);
    if (no_memory) {
        throw std::bad_alloc();
    }
    if (api != nullptr) {
        api->embed->serve(&services_for_hosts);
        return opening::done;
    }
    report(wish.plugin, "%s", error);
    return is_unloaded ? opening::failed : opening::refused;
}

// Of what it lacked neither the dynamic loader nor CPython tells whether it was memory, which comes
// back, or a part of the installation, which does not. So it is tried again, but not for ever.
python_state after_failure() {
    static int failures = 0; // guarded by the start of Python
    return ++failures < 3 ? python_state::again : python_state::failed;
}

// By the one whose turn it is.
python_state open_in_turn(const python_wish &wish, const core_api *&core) {
    if (wish.loader != nullptr && wish.loader != package_folder() + "/libepy.so") {
        note(log_level::info, wish.plugin,
             "runs with the epy in %s, not the one that built it (%s)",
             package_folder().empty() ? "a plugin" : package_folder().c_str(), wish.loader);
    }
    if (is_finalized(wish, core != nullptr, find_pythons())) {
        python_start().finish(turn::absent);
        return python_state::gone;
    }
    if (!unload_the_rest()) {
        report(wish.plugin, "a Python whose start failed cannot be unloaded; start the host again");
        python_start().finish(turn::ours);
        return python_state::failed;
    }
    chosen_python python;
    const core_api *api = nullptr;
    opening outcome = opening::refused;
    do {
        python = {};
        outcome = !choose(wish, python)      ? opening::refused
                  : python.handle == nullptr ? opening::failed
                                             : open_core(wish, python, api);
    } while (outcome == opening::another);
    opened_core = api;
    if (api != nullptr) {
        is_gone = said_that_it_ends = said_that_it_is_between = false;
        is_started_by_epy = python.ours;
        arrange_exit(python.ours);
    }
    const python_state state = api != nullptr                ? python_state::ready
                               : outcome == opening::between ? python_state::again
                               : outcome == opening::failed  ? after_failure()
                                                             : python_state::failed;
    // Not a failure for good: another plugin's Python may be there.
    python_start().finish(api == nullptr ? turn::ours : turn::ready);
    core = api;
    return state;
}

python_state open_here(const python_wish &wish, const core_api *&core,
                       const std::chrono::steady_clock::time_point *until) {
    if (const std::string against = reason_against_wish(wish); !against.empty()) {
        report(wish.plugin, "%s", against.c_str());
        return python_state::failed;
    }
    open_libraries_of_bundle(wish.plugin);
    switch (python_start().begin(until)) {
    case turn::circular:
        return python_state::circular;
    case turn::failed:
    case turn::absent:
        // The start may work for another plugin, whose stamped Python is there.
    case turn::ready:
        break;
    case turn::ours:
        try {
            python_wish asked = wish;
            const brought_pack pack(asked);
            return open_in_turn(asked, core);
        } catch (const std::exception &) {
            python_start().finish(turn::ours);
            throw;
        }
    }
    const core_api *const now = opened_core;
    if (now == nullptr && is_gone && core != nullptr) { // while this looked
        complain_of_end(wish.plugin);
        return python_state::gone;
    }
    if (now == nullptr) {
        return python_state::failed;
    }
    core = now;
    return python_state::ready;
}

} // namespace

python_state open_python(const python_wish &wish, const core_api *&core,
                         const std::chrono::steady_clock::time_point *until) {
    return with_room([&] { return open_here(wish, core, until); });
}

bool choose_python(const char *executable) {
    if (!python_start().is_fresh()) {
        set_error("epy_set_python", nullptr,
                  "a Python runs already: choose before any plugin starts");
        return false;
    }
    choose_for_host(absolute(executable));
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
