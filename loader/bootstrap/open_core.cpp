// One core serves one version of CPython, whose structures it knows: so that is asked first. Its
// symbols are made global before, so that extension modules find them. The core starts Python, not
// this file; what became of a start is noted here, because the next one may go on from there.
#include "loader/bootstrap/open_core.h"

#include <dlfcn.h>

#include <atomic>
#include <new>
#include <string>

#include "loader/bootstrap/conversions.h"
#include "loader/bootstrap/cores.h"
#include "loader/bootstrap/host_classes.h"
#include "loader/bootstrap/last_error.h"
#include "loader/bootstrap/libpython.h"
#include "loader/bootstrap/lineage.h"
#include "loader/bootstrap/log_sinks.h"
#include "loader/bootstrap/replace.h"
#include "loader/bootstrap/report.h"
#include "stub/memory_object.h"

namespace epy {

namespace {

// What is said once until Python is open.
std::atomic<bool> said_that_it_is_between = false;

constexpr host_services services_for_hosts = {set_error, give_to_sink, find_class, has_sink};

template <typename Function> Function *look_up(void *handle, const char *name) {
    return reinterpret_cast<Function *>(dlsym(handle, name));
}

const char *file_of(const chosen_python &python) {
    return python.file.empty() ? nullptr : python.file.c_str();
}

bool is_initialized(const chosen_python &python) {
    auto *initialized = look_up<int()>(python.handle, "Py_IsInitialized");
    return initialized != nullptr && initialized() != 0;
}

// Hosts load Python for themselves only; extension modules need its symbols.
void make_symbols_global(const chosen_python &python) {
    if (const char *file = file_of(python); file != nullptr && !python.start) {
        dlopen(file, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
    }
}

// Debugging builds have a function that the others lack, and say so nowhere else.
bool is_debugging_build(void *handle) {
    return look_up<void()>(handle, "_Py_NegativeRefcount") != nullptr;
}

// `version`: what Py_GetVersion says. False after saying why.
bool find_core_for(const python_wish &wish, const chosen_python &python, const std::string &version,
                   core_place &core) {
    const char *shown = file_of(python) == nullptr ? "the executable" : file_of(python);
    const std::string tag = version_tag(version.c_str());
    const std::string number = version.substr(0, version.find(' ')); // the rest may be two lines
    core = find_core(wish, tag + "d");
    if (!is_debugging_build(python.handle) || !core.is_there) {
        core = find_core(wish, tag); // serves both, as any extension since CPython 3.8
    }
    if (tag.empty() || !core.is_there) {
        report(wish.plugin,
               "epy has no core for the Python in %s (%s): no file %s; install epy for it, which "
               "takes CPython 3.11 or newer, or name another Python with EPY_PYTHON",
               shown, number.c_str(), core.file.c_str());
        return false;
    }
    if (const std::string against = reason_against_core(core); !against.empty()) {
        report(wish.plugin, "%s", against.c_str());
        return false;
    }
    note(log_level::info, wish.plugin, "%s the Python in %s (%s)",
         python.start ? "starts" : "joins", shown, number.c_str());
    note(log_level::debug, wish.plugin, "its core is %s", core.file.c_str());
    return true;
}

// After dlopen or dlsym.
void report_unopened(const python_wish &wish, const core_place &core) {
    const char *why = dlerror();
    const bool is_refused = core.folder.empty() && why != nullptr;
    report(wish.plugin, "cannot open epy's core: %s; %s",
           why == nullptr ? "what the plugin brings along is damaged" : why,
           why != nullptr && lacks_memory() ? memory_remedy
           : is_refused                     ? memory_object_remedy
                                            : "install epy again");
}

// note_unfinished_start has been called before, when there was memory for it.
void note_outcome_of_start(const chosen_python &python, bool is_open, bool is_another) {
    if (is_another || (!is_open && !is_initialized(python))) {
        note_unfinished_start(nullptr);
        return;
    }
    auto *started = look_up<int()>(python.handle, "Py_IsInitialized");
    for (const python_object &one : find_pythons()) {
        if (one.is_initialized == started) {
            remember_python(one);
        }
    }
    if (is_open) {
        note_unfinished_start(nullptr);
    }
}

// What the core answered; an `error` without an api is not said yet.
struct answer {
    const core_api *api = nullptr;
    char error[1024] = "";
    bool no_memory = false;
    bool is_between = false;

    [[nodiscard]] bool is_to_be_joined() const { return api == nullptr && *error == '\0'; }
};

void ask_core(core_open_function *open, const python_wish &wish, const chosen_python &python,
              const core_place &core, const end_of_python &end, answer &out) {
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
                               out.error,
                               sizeof out.error,
                               &out.no_memory,
                               &out.is_between,
                               replace_functions,
                               python_needed_by,
                               end.is_gone,
                               end.complain,
                               &current_log_settings(),
                               mark_to_run,
                               take_to_run};
    if (python.start) {
        note_unfinished_start(&python);
    }
    out.api = open(&options);
    if (python.start) {
        note_outcome_of_start(python, out.api != nullptr, out.is_to_be_joined());
    }
}

} // namespace

opening open_core(const python_wish &wish, const chosen_python &python, const end_of_python &end,
                  const core_api *&api) {
    make_symbols_global(python);
    auto *version = look_up<const char *()>(python.handle, "Py_GetVersion");
    core_place core;
    if (!find_core_for(wish, python, version == nullptr ? "" : version(), core)) {
        return opening::refused;
    }
    make_conversions_safe(reinterpret_cast<void *>(version));
    void *handle = open_core_object(core);
    auto *open =
        handle == nullptr ? nullptr : look_up<core_open_function>(handle, core_open_symbol);
    if (open == nullptr) {
        report_unopened(wish, core);
        unload(python, handle);
        return opening::failed;
    }
    answer answer;
    ask_core(open, wish, python, core, end, answer);
    if (answer.is_between && !said_that_it_is_between.exchange(true)) {
        report(wish.plugin, "the host begins or ends Python on this thread: calls return their "
                            "error values until it has done so");
    }
    if (answer.is_to_be_joined()) {
        return answer.is_between ? opening::between : opening::another;
    }
    api = answer.api;
    const bool is_unloaded =
        api == nullptr && python.start && !is_initialized(python) && unload(python, handle);
    if (answer.no_memory) {
        throw std::bad_alloc();
    }
    if (api != nullptr) {
        said_that_it_is_between = false;
        api->embed->serve(&services_for_hosts);
        return opening::done;
    }
    report(wish.plugin, "%s", answer.error);
    return is_unloaded ? opening::failed : opening::refused;
}

} // namespace epy
