#include "loader/core/plugin/takeover.h"

#include <pthread.h>

#include <atomic>
#include <iterator>

#include "loader/core/plugin/allocators.h"
#include "loader/core/plugin/callers.h"
#include "loader/core/plugin/first_initialization.h"
#include "loader/core/plugin/handover.h"
#include "loader/core/plugin/inittab.h"
#include "loader/core/plugin/preconfiguration.h"
#include "loader/core/plugin/settings.h"
#include "loader/core/py.h"
#include "loader/core/thread/main_thread.h"
#include "loader/core/thread/python_stack.h"
#include "loader/core/thread/stack.h"
#include "loader/core/thread/threads.h"
#include "loader/patience.h"

// CPython exports it for its own tests; where it does not, it is null.
extern "C" [[gnu::weak]] void
epy_init_compat_config(PyConfig *) __asm__("_PyConfig_InitCompatConfig");

namespace epy {

namespace {

// CPython's own.
struct {
    int (*is_initialized)();
    void (*initialize)();
    void (*initialize_ex)(int);
    PyStatus (*initialize_from_config)(const PyConfig *);
    int (*initialize_from_init_config)(cpython::init_config *);
    int (*append_inittab)(const char *, PyObject *(*)());
    int (*extend_inittab)(_inittab *);
    void (*finalize)();
    int (*finalize_ex)();
    int (*main)(int, wchar_t **);
    int (*bytes_main)(int, char **);
} original;

void (*replace_functions)(const void *, const replacement *, std::size_t) noexcept = nullptr;

enum class owner { host, epy };
std::atomic<owner> owned_by = owner::host;

constexpr char waits_for_plugin[] = "has been waiting for 5 s for a plugin that starts Python";
// Held while epy starts Python.
pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;
std::atomic<pthread_t> starter{};

bool is_epys() noexcept {
    if (!pthread_equal(starter, pthread_self())) {
        if (pthread_mutex_trylock(&starting) != 0) {
            const patience waiting("the host's initialization of Python", waits_for_plugin);
            pthread_mutex_lock(&starting);
        }
        pthread_mutex_unlock(&starting);
    }
    return owned_by.load(std::memory_order_acquire) == owner::epy;
}

// That of file names stays.
PyConfig with_encoding_as_it_is(const PyConfig &wanted) noexcept {
    static wchar_t encoding[] = L"utf-8";
    static wchar_t errors[] = L"surrogateescape";
    PyConfig config = wanted; // not to be cleared: what is in there is the host's
    config.filesystem_encoding = encoding;
    config.filesystem_errors = errors;
    return config;
}

// Any thread, without the GIL unless a script has led here. With the GIL afterwards.
PyStatus take_over(const PyConfig &wanted, const PyPreConfig *before = nullptr) noexcept {
    if (!attachment::attach_for_host()) {
        owned_by = owner::epy;
        return PyStatus_NoMemory();
    }
    PyStatus status = preconfigure(wanted, before);
    if (PyStatus_Exception(status) == 0) {
        const PyConfig config = with_encoding_as_it_is(wanted);
        status = original.initialize_from_config(&config);
    }
    if (PyStatus_Exception(status) != 0) {
        owned_by = owner::epy;
        PyEval_SaveThread();
        return status;
    }
    epy_become_main_thread();
    hand_over();
    run_with_plenty_of_stack([&] {
        const python_stack stack(PyThreadState_Get());
        complete_first_initialization(wanted);
    });
    return status;
}

// The calling host takes over: only the first one does.
bool begins_to_take_over() noexcept {
    owner expected = owner::epy;
    return is_epys() && owned_by.compare_exchange_strong(expected, owner::host);
}

void take_over_as_it_is_usual(int with_signals) noexcept {
    PyConfig config;
    if (epy_init_compat_config != nullptr) {
        epy_init_compat_config(&config); // reads the global variables too
    } else {
        PyConfig_InitPythonConfig(&config);
        config.parse_argv = 0;
    }
    config.install_signal_handlers = with_signals;
    const PyStatus status = take_over(config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status) != 0) {
        Py_ExitStatusException(status);
    }
}

void initialize_for(const void *caller, const char *function, int with_signals) noexcept {
    if (const char *against = is_epys() ? objection_to(caller, function) : nullptr) {
        Py_ExitStatusException(PyStatus_Error(against));
    }
    if (begins_to_take_over()) {
        take_over_as_it_is_usual(with_signals);
    } else {
        original.initialize_ex(with_signals);
    }
}

// The whole of a Python program.
template <typename SetArguments> int run_main(SetArguments set_arguments) {
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    PyStatus status = set_arguments(&config);
    if (PyStatus_Exception(status) == 0) {
        status = take_over(config);
    }
    PyConfig_Clear(&config);
    if (PyStatus_IsExit(status) != 0) {
        return status.exitcode; // of --help, say
    }
    if (PyStatus_Exception(status) != 0) {
        Py_ExitStatusException(status);
    }
    return Py_RunMain();
}

// ---- what hosts call

extern "C" {

static int is_initialized() {
    // epy's own loader asks while others load libraries: it must not wait for a start.
    if (!is_host(__builtin_return_address(0)) || !is_epys() || attachment::holds_gil()) {
        return original.is_initialized();
    }
    return 0;
}

static void initialize_ex(int with_signals) {
    initialize_for(__builtin_return_address(0), "Py_InitializeEx", with_signals);
}

static void initialize() { initialize_for(__builtin_return_address(0), "Py_Initialize", 1); }

static PyStatus initialize_from_config(const PyConfig *config) {
    if (const char *against =
            is_epys() ? objection_to(__builtin_return_address(0), "Py_InitializeFromConfig")
                      : nullptr) {
        return PyStatus_Error(against);
    }
    return begins_to_take_over() ? take_over(*config) : original.initialize_from_config(config);
}

static int initialize_from_init_config(cpython::init_config *config) {
    const char *against =
        is_epys() ? objection_to(__builtin_return_address(0), "Py_InitializeFromInitConfig")
                  : nullptr;
    if (against == nullptr && !begins_to_take_over()) {
        return original.initialize_from_init_config(config);
    }
    if (against != nullptr) {
        config->status = PyStatus_Error(against);
    } else if (!add_built_in_modules(config->modules, config->module_count)) {
        owned_by = owner::epy;
        config->status = PyStatus_NoMemory();
    } else {
        config->status = take_over(config->config, &config->preconfig);
    }
    return PyStatus_Exception(config->status) != 0 ? -1 : 0;
}

static int append_inittab(const char *name, PyObject *(*init)()) {
    return is_epys() ? add_built_in_module(name, init) : original.append_inittab(name, init);
}

static int extend_inittab(_inittab *modules) {
    if (!is_epys()) {
        return original.extend_inittab(modules);
    }
    Py_ssize_t count = 0;
    while (modules[count].name != nullptr) {
        ++count;
    }
    return add_built_in_modules(modules, count) ? 0 : -1;
}

// A host that has initialized nothing has nothing to finalize; one that has joined epy's does.
static int finalize_ex() {
    if (is_epys()) {
        if (!attachment::holds_gil()) {
            return 0;
        }
        owned_by = owner::host;
    }
    return original.finalize_ex();
}

static void finalize() { finalize_ex(); }

static int main_of_python(int count, wchar_t **arguments) {
    return begins_to_take_over() ? run_main([=](PyConfig *config) {
        return PyConfig_SetArgv(config, count, arguments);
    })
                                 : original.main(count, arguments);
}

static int bytes_main(int count, char **arguments) {
    return begins_to_take_over() ? run_main([=](PyConfig *config) {
        return PyConfig_SetBytesArgv(config, count, arguments);
    })
                                 : original.bytes_main(count, arguments);
}

} // extern "C"

void lead_here(const core_options &options) noexcept {
    static bool done = false;
    if (done) {
        return;
    }
    done = true;
    ask_for_callers(options.python_needed_by);
    replace_functions = options.replace_functions;
    const replacement all[] = {
        replaced("Py_IsInitialized", is_initialized, original.is_initialized),
        replaced("Py_Initialize", initialize, original.initialize),
        replaced("Py_InitializeEx", initialize_ex, original.initialize_ex),
        replaced("Py_InitializeFromConfig", initialize_from_config,
                 original.initialize_from_config),
        replaced("Py_InitializeFromInitConfig", initialize_from_init_config,
                 original.initialize_from_init_config),
        replaced("PyImport_AppendInittab", append_inittab, original.append_inittab),
        replaced("PyImport_ExtendInittab", extend_inittab, original.extend_inittab),
        replaced("Py_Finalize", finalize, original.finalize),
        replaced("Py_FinalizeEx", finalize_ex, original.finalize_ex),
        replaced("Py_Main", main_of_python, original.main),
        replaced("Py_BytesMain", bytes_main, original.bytes_main),
    };
    replace_functions(reinterpret_cast<const void *>(&Py_GetVersion), all, std::size(all));
    take_settings(replace_functions, is_epys);
    take_allocators(replace_functions, is_epys);
}

} // namespace

// ---- the start

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
namespace {
int *const flags[] = {
    &Py_BytesWarningFlag,
    &Py_DebugFlag,
    &Py_DontWriteBytecodeFlag,
    &Py_FrozenFlag,
    &Py_HashRandomizationFlag,
    &Py_IgnoreEnvironmentFlag,
    &Py_InspectFlag,
    &Py_InteractiveFlag,
    &Py_IsolatedFlag,
    &Py_NoSiteFlag,
    &Py_NoUserSiteDirectory,
    &Py_OptimizeFlag,
    &Py_QuietFlag,
    &Py_UTF8Mode,
    &Py_UnbufferedStdioFlag,
    &Py_VerboseFlag,
};
} // namespace
#pragma GCC diagnostic pop

start_for_hosts::start_for_hosts(const core_options &options) noexcept : plugin_(options.plugin) {
    pthread_mutex_lock(&starting);
    starter = pthread_self();
    lead_here(options);
    for (std::size_t i = 0; i < std::size(flags); ++i) {
        flags_[i] = *flags[i];
    }
}

python_now start_for_hosts::look() const noexcept {
    return look_for_python(original.is_initialized, plugin_);
}

void start_for_hosts::succeeded(const PyPreConfig &given) noexcept {
    for (std::size_t i = 0; i < std::size(flags); ++i) {
        *flags[i] = flags_[i];
    }
    epy_look_for_main_thread();
    epy_look_for_preconfiguration(&given);
    owned_by.store(owner::epy, std::memory_order_release);
}

start_for_hosts::~start_for_hosts() {
    starter = pthread_t{};
    pthread_mutex_unlock(&starting);
}

} // namespace epy
