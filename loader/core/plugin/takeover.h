// A Python that epy started, and that the host initializes afterwards.
//
// Hosts of many kinds run Python themselves (PostgreSQL, collectd, vim, weechat), and do so when
// their user first asks for it: mostly after some plugin was called. For CPython a second
// Py_Initialize is nothing to do: it returns without a thread state, the host's next call crashes,
// and a built-in module that it adds ends the process. Nor can a host be asked to come first.
//
// So these functions of libpython lead here as long as epy's Python runs and no host has asked for
// it (loader/bootstrap/replace.cpp): Py_IsInitialized says 0 to a host, the others do what they do
// in a process without plugins, and from then on Python is the host's:
//
//   Py_IsInitialized() == 0 -> PyImport_AppendInittab() -> Py_Initialize(), on any thread
//     -> the thread is attached, with a state that epy never frees, and keeps the GIL
//     -> the preconfiguration anew (settings.h): UTF-8 mode and LC_CTYPE are the host's
//     -> CPython's own Py_InitializeFromConfig(), which configures an initialized Python anew
//        (Py_Main in an embedding program relies on it): sys.flags, sys.argv, warning options
//     -> epy/_running/takeover.py: what CPython does only in the first initialization: paths,
//        `site`, signal handlers, streams
//   Py_IsInitialized() == 1, and all functions are CPython's own
//
// What epy added to Python stays: its plugins go on, and import by their own paths.
//
// Not everybody who asks is a host. Who holds the GIL runs under Python and hears that it is
// initialized, and so does a library that scripts loaded: it may be about to drop a reference to
// some object from a thread of its own.
#pragma once

#include "loader/core/plugin/python_now.h"
#include "loader/core/py.h"
#include "loader/core_api.h"

namespace epy {

// Around the start of a Python by epy. Hosts that initialize Python meanwhile wait until it is
// over.
class start_for_hosts {
public:
    explicit start_for_hosts(const core_options &) noexcept;
    ~start_for_hosts();
    start_for_hosts(const start_for_hosts &) = delete;
    start_for_hosts &operator=(const start_for_hosts &) = delete;

    // Waits for another thread that begins or ends Python.
    [[nodiscard]] python_now look() const noexcept;
    // Python is initialized, with this preconfiguration.
    void succeeded(const PyPreConfig &given) noexcept;

private:
    const char *plugin_; // that is being started
    // Variables that hosts set for their Py_Initialize, and epy's start with its own configuration.
    int flags_[16];
};

} // namespace epy
