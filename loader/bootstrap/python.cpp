// How Python is found:
//   1. a Python that is initialized in this process: join it;
//   2. a Python that the host has loaded for everyone but not started (a host linked with
//   libpython):
//      start that one, because two would share their symbols;
//   3. EPY_PYTHON, else the Python stamped into the plugin: open its libpython and start it.
// Then its symbols are made global, so that extension modules find them, and the core for its
// version is opened, which knows that version's structures: the core starts it, not this file.
#include "python.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "../../stub/trust.h"
#include "../trusted.h"
#include "libpython.h"
#include "objects.h"
#include "process.h"
#include "report.h"
#include "start.h"
#include "unload.h"

namespace epy {

namespace {

// One object in the process that defines the C API itself.
struct candidate {
    void *handle = nullptr;
    std::string file;
    bool initialized = false;
    void *main_interpreter = nullptr;
};

template <typename Function> Function *look_up(void *handle, const char *name) {
    return reinterpret_cast<Function *>(dlsym(handle, name));
}

std::vector<candidate> find_pythons() {
    std::vector<candidate> found;
    for (const loaded_object &object : loaded_objects()) {
        void *handle = object.open_if_defines("Py_IsInitialized");
        if (handle == nullptr) {
            continue;
        }
        auto *is_initialized = look_up<int()>(handle, "Py_IsInitialized");
        candidate one{handle, object.name, is_initialized() != 0, nullptr};
        if (one.initialized) {
            if (auto *main = look_up<void *()>(handle, "PyInterpreterState_Main")) {
                one.main_interpreter = main();
            }
        }
        found.push_back(std::move(one));
    }
    return found;
}

// What the loader itself needs of a running Python: releasing the GIL while it waits.
struct gil_api {
    void *(*current)() = nullptr;
    void *(*of_this_thread)() = nullptr;
    void *(*save)() = nullptr;
    void (*restore)(void *) = nullptr;

    explicit gil_api(void *handle) {
        current = look_up<void *()>(handle, "PyThreadState_GetUnchecked");
        if (current == nullptr) {
            current = look_up<void *()>(handle, "_PyThreadState_UncheckedGet");
        }
        of_this_thread = look_up<void *()>(handle, "PyGILState_GetThisThreadState");
        save = look_up<void *()>(handle, "PyEval_SaveThread");
        restore = look_up<void(void *)>(handle, "PyEval_RestoreThread");
    }

    // Before 3.12 the current state is the process's, so it must also be this thread's.
    [[nodiscard]] bool is_held() const {
        void *state = current == nullptr ? nullptr : current();
        return state != nullptr && state == of_this_thread();
    }
};

const gil_api *running = nullptr; // set once a Python is known to be initialized
const core_api *opened_core = nullptr;

start &python_start() {
    static auto *the_start = new start;
    return *the_start;
}

void remember_running(void *handle) {
    if (__atomic_load_n(&running, __ATOMIC_ACQUIRE) == nullptr) {
        __atomic_store_n(&running, new gil_api(handle), __ATOMIC_RELEASE);
    }
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
};

// Also where a Python runs already: its own files are its host's matter, what epy brings is not.
std::string reason_against_wish(const python_wish &wish) {
    std::string against = reason_against_tree(package_folder());
    if (against.empty() && wish.executable != nullptr && exists(wish.executable)) {
        against = reason_against_executable(wish.executable);
    }
    return against;
}

bool choose(const python_wish &wish, chosen_python &chosen) {
    const candidate *initialized = nullptr;
    const std::vector<candidate> found = find_pythons();
    for (const candidate &one : found) {
        if (!one.initialized) {
            continue;
        }
        if (initialized != nullptr && one.main_interpreter != initialized->main_interpreter) {
            report(
                wish.plugin,
                "this process runs two Pythons (%s and %s) and epy cannot tell which one to use; "
                "start only one of them before the plugin is called",
                initialized->file.c_str(), one.file.c_str());
            return false;
        }
        initialized = &one;
    }
    if (initialized != nullptr) {
        chosen = {initialized->handle, initialized->file, {}, false};
        return true;
    }
    const char *variable = has_raised_privileges() ? nullptr : std::getenv("EPY_PYTHON");
    const bool overridden = variable != nullptr && *variable != '\0';
    if (overridden) {
        chosen.executable = absolute(variable);
        chosen.file = libpython_of(chosen.executable);
        if (chosen.file.empty()) {
            report(wish.plugin,
                   "EPY_PYTHON names %s, but no shared libpython was found for it; name the "
                   "executable of a Python that has one, or unset EPY_PYTHON",
                   variable);
            return false;
        }
    } else {
        chosen.executable = wish.executable == nullptr ? "" : wish.executable;
        chosen.file = wish.libpython == nullptr ? "" : wish.libpython;
    }
    chosen.start = true;
    // Loaded for everyone: its symbols would win over those of any other libpython.
    const void *global = dlsym(RTLD_DEFAULT, "Py_IsInitialized");
    for (const candidate &one : found) {
        if (reinterpret_cast<const void *>(look_up<int()>(one.handle, "Py_IsInitialized")) ==
            global) {
            chosen.handle = one.handle;
            chosen.file = one.file;
            return true;
        }
    }
    if (!exists(chosen.file)) {
        report(
            wish.plugin,
            "its Python is gone: no file %s; install that Python again, build the plugin again, or "
            "name another Python with EPY_PYTHON",
            chosen.file.empty() ? "(none was stamped)" : chosen.file.c_str());
        return false;
    }
    if (const std::string problem = venv_problem(chosen.executable, chosen.file);
        !problem.empty()) {
        report(wish.plugin, "%s", problem.c_str());
        return false;
    }
    if (const std::string against = reason_against_object(chosen.file); !against.empty()) {
        report(wish.plugin, "%s", against.c_str());
        return false;
    }
    chosen.handle = dlopen(chosen.file.c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (chosen.handle == nullptr) {
        report(wish.plugin, "cannot open its Python: %s; install that Python again", dlerror());
        return false;
    }
    return true;
}

const core_api *open_core(const python_wish &wish, const chosen_python &python) {
    const char *file = python.file.empty() ? nullptr : python.file.c_str();
    const char *shown = file == nullptr ? "the executable" : file;
    // Hosts load Python for themselves only; extension modules need its symbols.
    if (file != nullptr) {
        dlopen(file, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
    }
    auto *version = look_up<const char *()>(python.handle, "Py_GetVersion");
    const std::string tag = version == nullptr ? std::string() : version_tag(version());
    const std::string core = package_folder() + "/_core.cpython-" + tag + "-x86_64-linux-gnu.so";
    if (tag.empty() || !exists(core)) {
        report(wish.plugin,
               "epy has no core for the Python in %s (%s): no file %s; install epy for it", shown,
               version == nullptr ? "unknown version" : version(), core.c_str());
        return nullptr;
    }
    void *handle = dlopen(core.c_str(), RTLD_NOW | RTLD_LOCAL);
    auto *open =
        handle == nullptr ? nullptr : look_up<core_open_function>(handle, core_open_symbol);
    if (open == nullptr) {
        report(wish.plugin, "cannot open epy's core: %s; install epy again", dlerror());
        return nullptr;
    }
    char error[1024] = "";
    const core_options options{core_api_version,
                               python.start,
                               python.executable.empty() ? nullptr : python.executable.c_str(),
                               package_folder().c_str(),
                               error,
                               sizeof error};
    if (!python.start) {
        remember_running(python.handle); // so that threads that wait for this one release the GIL
    }
    const core_api *api = open(&options);
    if (api == nullptr) {
        report(wish.plugin, "%s", error);
        return nullptr;
    }
    remember_running(python.handle);
    return api;
}

} // namespace

gil_release::gil_release() noexcept {
    const gil_api *python = __atomic_load_n(&running, __ATOMIC_ACQUIRE);
    if (python != nullptr && python->is_held()) {
        state_ = python->save();
    }
}

gil_release::~gil_release() {
    if (state_ != nullptr) {
        running->restore(state_);
    }
}

python_state open_python(const python_wish &wish, const core_api *&core) noexcept {
    if (const std::string against = reason_against_wish(wish); !against.empty()) {
        report(wish.plugin, "%s", against.c_str());
        return python_state::failed;
    }
    switch (python_start().begin()) {
    case turn::circular:
        return python_state::circular;
    case turn::failed:
        // The start may work for another plugin, whose stamped Python is there.
    case turn::ready:
        break;
    case turn::ours: {
        chosen_python python;
        const core_api *api = choose(wish, python) ? open_core(wish, python) : nullptr;
        opened_core = api;
        if (api != nullptr && python.start) {
            arrange_exit();
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

bool foreign_python_is_running() noexcept {
    if (python_start().is_ready()) {
        return !running->is_held();
    }
    for (const candidate &one : find_pythons()) {
        if (one.initialized) {
            return !gil_api(one.handle).is_held();
        }
    }
    return false;
}

const core_api *the_core() noexcept { return opened_core; }

} // namespace epy
