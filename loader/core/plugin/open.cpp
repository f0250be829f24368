// Opening the core: what the loader calls once per process, before anything else.
//
// The Python of this core's version is there, initialized or not, and its symbols are global. Start
// it if asked to, import the package epy, and hand out the table of the core that the package uses:
// the process may have imported epy before, from another place.
#include <sys/mman.h>
#include <sys/resource.h>

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <new>

#include "loader/core/cpython.h"
#include "loader/core/package.h"
#include "loader/core/plugin/collector.h"
#include "loader/core/plugin/end.h"
#include "loader/core/plugin/import_package.h"
#include "loader/core/plugin/inittab.h"
#include "loader/core/plugin/kept_modules.h"
#include "loader/core/plugin/signals.h"
#include "loader/core/plugin/takeover.h"
#include "loader/core/plugin/to_run.h"
#include "loader/core/plugin/vetting.h"
#include "loader/core/thread/fork.h"
#include "loader/core/thread/patient_attachment.h"
#include "loader/core/thread/python_stack.h"
#include "loader/core/thread/restore.h"
#include "loader/core/thread/stack.h"
#include "loader/core/thread/threads.h"
#include "loader/core_api.h"
#include "loader/log.h"
#include "stub/trust.h"

namespace epy {

namespace {

void fail(const core_options &options, const char *what, const char *detail) {
    if (!last_refusal().empty()) { // that is why, whatever Python made of it on its way here
        std::snprintf(options.error, options.error_size, "%s", last_refusal().c_str());
        return;
    }
    std::snprintf(options.error, options.error_size, "%s: %s", what, detail);
}

void fail_with_exception(const core_options &options, const char *what) {
    PyObject *kind = nullptr;
    PyObject *value = nullptr;
    PyObject *traceback = nullptr;
    PyErr_Fetch(&kind, &value, &traceback);
    const ref text(value == nullptr ? nullptr : PyObject_Str(value));
    const char *detail = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
    *options.no_memory =
        (kind != nullptr && PyErr_GivenExceptionMatches(kind, PyExc_MemoryError) != 0) ||
        (detail != nullptr && std::strstr(detail, "allocate") != nullptr); // as locks say it
    fail(options, what, detail == nullptr ? "unknown error" : detail);
    PyErr_Clear();
    Py_XDECREF(kind);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
}

// CPython ends the process where memory for its first types is missing. A start takes more than
// this.
bool has_room() noexcept {
    constexpr std::size_t least = 3 << 20;
    void *room = mmap(nullptr, least, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return room != MAP_FAILED && munmap(room, least) == 0;
}

// What makes a file larger than the limit ends the process by SIGXFSZ, unless a program ignores
// that, as Python's own does.
bool are_files_limited() noexcept {
    rlimit limit{};
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

// Isolated: nothing of the user's environment gets in, and signals, locale and arguments stay the
// host's. UTF-8 mode, because an isolated Python takes the C locale for ASCII.
bool start_python(const core_options &options, PyPreConfig &before) {
    if (has_raised_privileges() && !vet_imports()) {
        fail(options, "its Python did not start",
             "the host has an open-code hook of its own, and this process has raised privileges; "
             "start Python in the host");
        return false;
    }
    if (!has_room()) {
        fail(options, "its Python did not start", "out of memory");
        *options.no_memory = true;
        return false;
    }
    PyPreConfig_InitIsolatedConfig(&before);
    before.utf8_mode = 1;
    PyStatus status = Py_PreInitialize(&before);
    if (PyStatus_Exception(status) == 0 && !reserve_built_in_modules()) {
        status = PyStatus_NoMemory();
    }
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.install_signal_handlers = 0;
    config.site_import = 0; // epy/_start.py: when it is needed
    cpython::start_with_lock(config);
    config.write_bytecode = has_raised_privileges() || are_files_limited() ? 0 : 1;
    if (PyStatus_Exception(status) == 0 && options.executable != nullptr) {
        // Otherwise the first python3 on PATH would decide which libraries are used.
        status = PyConfig_SetBytesString(&config, &config.executable, options.executable);
    }
    if (PyStatus_Exception(status) == 0) {
        status = cpython::initialize_uncollected(config);
    }
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status) != 0) {
        fail(options, "its Python did not start",
             status.err_msg == nullptr ? "unknown error" : status.err_msg);
        return false;
    }
    import_signals_untaken();
    return true;
}

const core_api *open_package(const core_options &options) {
    const patient_collector collector;
    PyObject *modules = PyImport_GetModuleDict();
    if (options.start) {
        PyGC_Enable(); // from here on `collector` sees to it
        keep_modules_of(options.package_folder);
    }
    const ref package =
        PyDict_GetItemString(modules, "epy") != nullptr
            ? ref(PyImport_ImportModule("epy")) // also if another thread is importing it
            : import_package(options);
    if (!package) {
        return nullptr;
    }
    if (options.ours) {
        const ref start = package::take(package::start);
        const ref started(start ? PyObject_CallFunction(start.get(), "zi", options.environment,
                                                        options.chosen ? 1 : 0)
                                : nullptr);
        if (!started) {
            return nullptr;
        }
        collector.keep_what_is_there();
    }
    const auto *api = static_cast<const core_api *>(PyCapsule_Import("epy._core._C_API", 0));
    if (api != nullptr && api->version != core_api_version) {
        PyErr_SetString(PyExc_ImportError,
                        "the epy that this process has imported is of another version; use one "
                        "version of epy in a process");
        return nullptr;
    }
    return api;
}

const core_api *open_attached(const core_options &options) {
    ask_loader_what_to_run(options);
    const core_api *api = open_package(options);
    if (api == nullptr) {
        fail_with_exception(options, "cannot import the package epy into its Python");
        return nullptr;
    }
    find_main_thread();
    follow_end(options);
    follow_forks();
    return api;
}

const core_api *open_core(const core_options &options) {
    if (options.start) {
        start_for_hosts hosts(options);
        const python_now now = hosts.look();
        if (now != python_now::none) {
            *options.error = '\0';
            *options.is_between = now == python_now::between;
            return nullptr;
        }
        PyPreConfig before;
        if (!start_python(options, before)) {
            return nullptr;
        }
        hosts.succeeded(before);
        const core_api *api = nullptr;
        {
            const python_stack stack(PyThreadState_Get());
            api = open_attached(options);
        }
        PyEval_SaveThread();
        return api;
    }
    start_attaching();
    const patient_attachment python(options.plugin);
    if (!python) {
        *options.no_memory = python.is_out_of_memory();
        fail(options, "cannot join the host's Python",
             python.is_out_of_memory() ? "out of memory" : "the host finalizes it");
        return nullptr;
    }
    const python_stack stack(python.state());
    const exception_set_aside callers;
    if (!follow_interpreter()) {
        fail_with_exception(options, "cannot join the host's Python");
        return nullptr;
    }
    if (has_raised_privileges()) {
        // Or epy's folder gets files whose bits are those of the host's umask.
        PySys_SetObject("dont_write_bytecode", Py_True);
    }
    return open_attached(options);
}

} // namespace

} // namespace epy

extern "C" [[gnu::visibility("default")]] const epy::core_api *
epy_core_open(const epy::core_options *options) noexcept;

extern "C" const epy::core_api *epy_core_open(const epy::core_options *options) noexcept {
    if (options->version != epy::core_api_version) {
        epy::fail(*options, "its core is of another version", "install epy again");
        return nullptr;
    }
    epy::use_log_settings(*options->log);
    epy::replace_functions_by(options->replace_functions);
    const epy::core_api *api = nullptr;
    epy::run_with_plenty_of_stack([&] {
        try {
            api = epy::open_core(*options);
        } catch (const std::bad_alloc &) {
            epy::fail(*options, "cannot import the package epy into its Python", "out of memory");
            *options->no_memory = true;
        }
    });
    if (api == nullptr) { // the core may be unmapped now
        epy::drop_spare_stack();
    }
    return api;
}
