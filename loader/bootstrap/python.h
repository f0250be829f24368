// The Python of this process: found, joined or started, without Python.h, whatever its version.
#pragma once

#include <chrono>

#include "loader/core_api.h"
#include "stub/pack.h"

namespace epy {

// What a plugin asks for.
struct python_wish {
    const char *plugin;              // its path
    const char *libpython = nullptr; // stamped paths, or null
    const char *executable = nullptr;
    const char *loader = nullptr;
    const void *pack = nullptr; // what it brings along (stub/pack.h), or null
    std::uint64_t pack_size = 0;
    const char *chosen_by_host = nullptr; // an executable
};

enum class python_state {
    ready,
    failed,   // said why
    circular, // this thread is starting Python already
    gone,     // the host has finalized it: said so
    again     // said what went wrong, which the next call may find mended
};

// Finds or starts Python and opens the core. `core`, before: that with which the plugin has run,
// null if it has not. Once per process; any thread. Another thread that does
// it is waited for, until then if a time is given: what comes later is `circular` too. After
// std::bad_alloc the next call tries again.
python_state open_python(const python_wish &, const core_api *&core,
                         const std::chrono::steady_clock::time_point *until = nullptr);

// The Python to start, before the plugins' own and EPY_PYTHON. False after saying why in the
// thread's last error. May throw std::bad_alloc.
bool choose_python(const char *executable);

// No plugin has joined or started a Python, or is about to.
bool is_python_untouched();

// Whether epy has started the Python that runs.
bool is_python_ours() noexcept;

// In the running Python, with its GIL: an ImportError.
void set_import_error(const char *text) noexcept;

// The table of the core, null before Python is open, and when it is gone.
const core_api *the_core() noexcept;

} // namespace epy
