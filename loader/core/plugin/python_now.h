// How far a host is with a Python that epy would start.
#pragma once

namespace epy {

enum class python_now {
    none,
    initialized, // by a host that had begun before its calls led to epy (takeover.h)
    between      // this very thread begins or ends it, and has come here from inside
};

// Waits for another thread that begins or ends Python. `is_initialized` is Python's own; `plugin`
// is being started.
python_now look_for_python(int (*is_initialized)(), const char *plugin) noexcept;

} // namespace epy
