// Opening the core: what the loader calls once per process, before anything else.
//
// The Python of this core's version is there, initialized or not, and its symbols are global. Start
// it if asked to, import the package epy, and hand out the table of the core that the package uses:
// the process may have imported epy before, from another place.
#include <csignal>
#include <cstdio>
#include <cstring>

#include "fork.h"
#include "state.h"
#include "threads.h"

namespace epy {

namespace {

void fail(const core_options &options, const char *what, const char *detail) {
    std::snprintf(options.error, options.error_size, "%s: %s", what, detail);
}

void fail_with_exception(const core_options &options, const char *what) {
    PyObject *kind = nullptr;
    PyObject *value = nullptr;
    PyObject *traceback = nullptr;
    PyErr_Fetch(&kind, &value, &traceback);
    const ref text(value == nullptr ? nullptr : PyObject_Str(value));
    const char *detail = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
    fail(options, what, detail == nullptr ? "unknown error" : detail);
    PyErr_Clear();
    Py_XDECREF(kind);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
}

// The first import of the module `signal`, which asyncio needs, takes SIGINT if it has its default
// action. So it is made here, and SIGINT given back.
void leave_interrupts_to_the_host() {
    struct sigaction interrupt {};
    sigaction(SIGINT, nullptr, &interrupt);
    const ref imported(PyImport_ImportModule("_signal"));
    PyErr_Clear();
    sigaction(SIGINT, &interrupt, nullptr);
}

// Isolated: nothing of the user's environment gets in, and signals, locale and arguments stay the
// host's. UTF-8 mode, because an isolated Python takes the C locale for ASCII.
bool start_python(const core_options &options) {
    PyPreConfig before;
    PyPreConfig_InitIsolatedConfig(&before);
    before.utf8_mode = 1;
    PyStatus status = Py_PreInitialize(&before);
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.install_signal_handlers = 0;
    config.site_import = 0; // `prepare` below: when it is needed
    if (PyStatus_Exception(status) == 0 && options.executable != nullptr) {
        // Otherwise the first python3 on PATH would decide which libraries are used.
        status = PyConfig_SetBytesString(&config, &config.executable, options.executable);
    }
    if (PyStatus_Exception(status) == 0) {
        status = Py_InitializeFromConfig(&config);
    }
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status) != 0) {
        fail(options, "its Python did not start",
             status.err_msg == nullptr ? "unknown error" : status.err_msg);
        return false;
    }
    adopt_main_state();
    leave_interrupts_to_the_host();
    return true;
}

// A host reads the plugin's output as it is written; a Python program would not mind waiting.
//
// `site` finds a virtual environment's packages, and takes as long as the rest of Python's start.
// Most scripts need the standard library alone. So it runs when the first module is looked for in
// vain.
constexpr char prepare[] = R"(
def flush():
    import sys
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass  # None, broken or closed

def prepare(folder, started):
    import sys
    from _frozen_importlib_external import PathFinder
    from _thread import RLock

    class Site:
        lock = RLock()

        @classmethod
        def find_spec(cls, name, path=None, target=None):
            if path is not None or cls not in sys.meta_path:
                return None
            # Other threads wait; not for ever, because a .pth file may import what they are importing.
            taken = cls.lock.acquire(timeout=5)
            try:
                if cls in sys.meta_path and not cls.running:
                    cls.running = True
                    import site
                    site.main()
                    sys.meta_path.remove(cls)
            finally:
                if taken:
                    cls.lock.release()
            return PathFinder.find_spec(name)

        running = False

    class Package:
        @staticmethod
        def find_spec(name, path=None, target=None):
            return PathFinder.find_spec(name, [folder]) if name == "epy" else None

    if started:
        # A forked child writes nothing that its parent has written, and runs no exit function of it.
        import atexit
        import os
        os.register_at_fork(before=flush, after_in_child=atexit._clear)
        sys.meta_path.append(Site)
        if sys.stdout is not None:
            sys.stdout.reconfigure(line_buffering=True)
    if "epy" not in sys.modules:
        sys.meta_path.insert(0, Package)
        try:
            import epy
        finally:
            sys.meta_path.remove(Package)
)";

const core_api *import_package(const core_options &options) {
    const ref names(PyDict_New());
    if (!names) {
        return nullptr;
    }
    const ref ran(PyRun_String(prepare, Py_file_input, names.get(), names.get()));
    PyObject *function = ran ? PyDict_GetItemString(names.get(), "prepare") : nullptr;
    if (function == nullptr) {
        return nullptr;
    }
    const char *slash = std::strrchr(options.package_folder, '/');
    const ref folder(PyUnicode_DecodeFSDefaultAndSize(
        options.package_folder, slash == nullptr ? 0 : slash - options.package_folder));
    const ref prepared(
        folder ? PyObject_CallFunction(function, "Oi", folder.get(), options.start ? 1 : 0)
               : nullptr);
    if (!prepared) {
        return nullptr;
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
    const core_api *api = import_package(options);
    if (api == nullptr) {
        fail_with_exception(options, "cannot import the package epy into its Python");
        return nullptr;
    }
    Py_AtExit([] { stop_attaching(); });
    follow_forks();
    return api;
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
    if (options->start) {
        if (!epy::start_python(*options)) {
            return nullptr;
        }
        const epy::core_api *api = epy::open_attached(*options);
        PyEval_SaveThread();
        return api;
    }
    epy::start_attaching();
    const epy::attachment python;
    return epy::open_attached(*options);
}
