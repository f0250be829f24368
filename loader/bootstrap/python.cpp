// Python's way into this process, and out of it: one thread at a time chooses it (choice.h) and
// opens the core for its version (open_core.h), which starts it; the others wait for that.
#include "loader/bootstrap/python.h"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <string>

#include "loader/bootstrap/brought.h"
#include "loader/bootstrap/bundled.h"
#include "loader/bootstrap/choice.h"
#include "loader/bootstrap/gil.h"
#include "loader/bootstrap/last_error.h"
#include "loader/bootstrap/leaving.h"
#include "loader/bootstrap/log_sinks.h"
#include "loader/bootstrap/open_core.h"
#include "loader/bootstrap/plugin.h"
#include "loader/bootstrap/process.h"
#include "loader/bootstrap/report.h"
#include "loader/bootstrap/room.h"
#include "loader/bootstrap/start.h"
#include "loader/paths.h"

namespace epy {

namespace {

std::atomic<const core_api *> opened_core = nullptr;
std::atomic<bool> is_started_by_epy = false;

// The host has finalized the Python that plugins ran in.
std::atomic<bool> is_gone = false;
// What is said once for each Python.
std::atomic<bool> said_that_it_ends = false;

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
    const end_of_python end = {python_is_gone, complain_of_end};
    opening outcome = opening::refused;
    do {
        python = {};
        outcome = !choose(wish, python)      ? opening::refused
                  : python.handle == nullptr ? opening::failed
                                             : open_core(wish, python, end, api);
    } while (outcome == opening::another);
    opened_core = api;
    if (api != nullptr) {
        is_gone = said_that_it_ends = false;
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
            auto *set =
                reinterpret_cast<void (*)(void *, const char *)>(dlsym(handle, "PyErr_SetString"));
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
