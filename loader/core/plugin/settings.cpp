#include "loader/core/plugin/settings.h"

#include <cstdlib>
#include <cwchar>
#include <iterator>

#include "loader/core/plugin/preconfiguration.h"
#include "loader/core/thread/threads.h"

// CPython exports it for its own tests; where it does not, it is null.
extern "C" [[gnu::weak]] void
epy_init_compat_preconfig(PyPreConfig *) __asm__("_PyPreConfig_InitCompatConfig");

namespace epy {

namespace {

// CPython's own.
struct {
    PyStatus (*pre_initialize)(const PyPreConfig *);
    PyStatus (*pre_initialize_from_args)(const PyPreConfig *, Py_ssize_t, wchar_t **);
    PyStatus (*pre_initialize_from_bytes_args)(const PyPreConfig *, Py_ssize_t, char **);
    void (*set_path)(const wchar_t *);
} original;

bool (*is_epys)() noexcept = nullptr;

bool is_preconfigured = false; // by the host; guarded by the GIL
wchar_t *set_path = nullptr;

// With the GIL. `again` preinitializes with the configuration that it gets.
template <typename Again> PyStatus preinitialize(PyPreConfig config, Again again) noexcept {
    epy_preinitialization anew;
    if (epy_begin_preinitialization(&anew) == 0) {
        return PyStatus_Ok();
    }
    config.allocator = PYMEM_ALLOCATOR_DEFAULT; // not the environment's: Python has memory already
    const PyStatus status = again(&config);
    epy_end_preinitialization(&anew);
    return status;
}

template <typename Again>
PyStatus preinitialize_for_host(const PyPreConfig *config, Again again) noexcept {
    if (!is_epys()) {
        return again(config);
    }
    const attachment python;
    if (!python) {
        return PyStatus_NoMemory();
    }
    if (is_preconfigured) {
        return PyStatus_Ok(); // as CPython, which takes the first
    }
    const PyStatus status = preinitialize(*config, again);
    is_preconfigured = PyStatus_Exception(status) == 0;
    return status;
}

// What a host gives beside its configuration, or what CPython takes where it gives nothing.
void init_preconfig(PyPreConfig &preconfig, const PyConfig &config,
                    const PyPreConfig *given) noexcept {
    PyPreConfig_InitIsolatedConfig(&preconfig);
    if (config._config_init != preconfig._config_init) {
        PyPreConfig_InitPythonConfig(&preconfig);
    }
    if (config._config_init != preconfig._config_init && epy_init_compat_preconfig != nullptr) {
        epy_init_compat_preconfig(&preconfig);
    }
    preconfig = given == nullptr ? preconfig : *given;
    const auto give = [](int value, int &place) { place = value == -1 ? place : value; };
    give(config.parse_argv, preconfig.parse_argv);
    give(config.isolated, preconfig.isolated);
    give(config.use_environment, preconfig.use_environment);
    give(config.dev_mode, preconfig.dev_mode);
}

extern "C" {

static PyStatus pre_initialize(const PyPreConfig *config) {
    return preinitialize_for_host(config, original.pre_initialize);
}

static PyStatus pre_initialize_from_args(const PyPreConfig *config, Py_ssize_t count,
                                         wchar_t **arguments) {
    return preinitialize_for_host(config, [=](const PyPreConfig *one) {
        return original.pre_initialize_from_args(one, count, arguments);
    });
}

static PyStatus pre_initialize_from_bytes_args(const PyPreConfig *config, Py_ssize_t count,
                                               char **arguments) {
    return preinitialize_for_host(config, [=](const PyPreConfig *one) {
        return original.pre_initialize_from_bytes_args(one, count, arguments);
    });
}

static void keep_path(const wchar_t *path) {
    if (!is_epys()) {
        original.set_path(path);
    } else {
        std::free(set_path);
        set_path = path == nullptr ? nullptr : wcsdup(path);
    }
}

} // extern "C"

} // namespace

void take_settings(void (*replace_functions)(const void *, const replacement *,
                                             std::size_t) noexcept,
                   bool (*asked)() noexcept) noexcept {
    is_epys = asked;
    const replacement all[] = {
        replaced("Py_PreInitialize", pre_initialize, original.pre_initialize),
        replaced("Py_PreInitializeFromArgs", pre_initialize_from_args,
                 original.pre_initialize_from_args),
        replaced("Py_PreInitializeFromBytesArgs", pre_initialize_from_bytes_args,
                 original.pre_initialize_from_bytes_args),
        replaced("Py_SetPath", keep_path, original.set_path),
    };
    replace_functions(reinterpret_cast<const void *>(&Py_GetVersion), all, std::size(all));
}

PyStatus preconfigure(const PyConfig &config, const PyPreConfig *given) noexcept {
    if (is_preconfigured) {
        return PyStatus_Ok();
    }
    PyPreConfig preconfig;
    init_preconfig(preconfig, config, given);
    return preinitialize(preconfig, [&](const PyPreConfig *one) {
        return preconfig.parse_argv == 0
                   ? original.pre_initialize(one)
                   : original.pre_initialize_from_args(one, config.argv.length, config.argv.items);
    });
}

const wchar_t *path_that_was_set() noexcept { return set_path; }

} // namespace epy
