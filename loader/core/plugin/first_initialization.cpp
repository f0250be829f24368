#include "loader/core/plugin/first_initialization.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "loader/core/package.h"
#include "loader/core/plugin/collector.h"
#include "loader/core/plugin/inittab.h"
#include "loader/core/plugin/settings.h"
#include "loader/core/thread/threads.h"

// CPython exports it for its own tests; where it does not, it is null.
extern "C" [[gnu::weak]] const PyConfig *epy_config() __asm__("_Py_GetConfig");

// What Py_SetPythonHome was given: deprecated, and in no header since 3.15.
extern "C" [[gnu::weak]] wchar_t *epy_get_home() __asm__("Py_GetPythonHome");

namespace epy {

namespace {

// As `os.environ` has them.
ref read_environment() {
    ref variables(PyDict_New());
    for (char **one = environ; variables && one != nullptr && *one != nullptr; ++one) {
        const char *end = std::strchr(*one, '=');
        if (end == nullptr) {
            continue;
        }
        const ref name(PyBytes_FromStringAndSize(*one, end - *one));
        const ref value(PyBytes_FromString(end + 1));
        if (!name || !value ||
            PyDict_SetDefault(variables.get(), name.get(), value.get()) == nullptr) {
            return {};
        }
    }
    return variables;
}

} // namespace

void complete_first_initialization(const PyConfig &wanted) {
    const exception_set_aside hosts;
    keep_no_longer();
    if (!list_built_in_modules()) {
        PyErr_WriteUnraisable(nullptr);
    }
    const PyConfig &now = epy_config == nullptr ? wanted : *epy_config();
    // Otherwise what Py_SetPythonHome set.
    const wchar_t *home =
        wanted.home == nullptr && epy_get_home != nullptr ? epy_get_home() : wanted.home;
    const char *home_variable = now.use_environment != 0 ? std::getenv("PYTHONHOME") : nullptr;
    // Of the name that epy's own start has left in its stead.
    const bool has_name =
        wanted.program_name == nullptr && wanted.argv.length > 0 && *wanted.argv.items[0] != L'\0';
    const wchar_t *program = has_name ? wanted.argv.items[0] : now.program_name;
    const ref function = package::take(package::take_over);
    const ref none(PyTuple_New(0));
    const ref environment = read_environment();
    const ref options(Py_BuildValue(
        "{s:O,s:u,s:u,s:N,s:u,s:u,s:O,s:O,s:O,s:O,s:u,s:u}", "environment", environment.get(),
        "program", program, "home", home, "home_variable",
        home_variable == nullptr ? Py_NewRef(Py_None) : PyUnicode_DecodeFSDefault(home_variable),
        "python_path", now.pythonpath_env, "set_path", path_that_was_set(), "has_paths",
        now.module_search_paths_set != 0 ? Py_True : Py_False, "with_site",
        now.site_import != 0 ? Py_True : Py_False, "with_signals",
        now.install_signal_handlers != 0 ? Py_True : Py_False, "buffered",
        now.buffered_stdio != 0 ? Py_True : Py_False, "encoding", now.stdio_encoding, "errors",
        now.stdio_errors));
    const ref done(function && none && options
                       ? PyObject_Call(function.get(), none.get(), options.get())
                       : nullptr);
    if (!done) {
        PyErr_WriteUnraisable(function.get());
    }
}

} // namespace epy
