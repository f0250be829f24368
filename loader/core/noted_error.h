// Errors as the host may ask for them: `epy_last_error`. The texts are the loader's.
#pragma once

#include "loader/core/py.h"
#include "loader/embed_api.h"

namespace epy {

// The loader's; null in a Python without plugins.
extern const host_services *host;

// A str for C: what is no UTF-8 is written as \xNN. Anything else is empty. With the GIL.
class c_text {
public:
    explicit c_text(PyObject *text) noexcept;
    [[nodiscard]] const char *get() const noexcept {
        return bytes_ ? PyBytes_AS_STRING(bytes_.get()) : "";
    }

private:
    ref bytes_;
};

// The exception that is set, with its traceback; empty if there is none.
ref taken_exception() noexcept;

// The exception becomes this thread's last error. `plugin` is a path or null, `function` what was
// called, `traceback` its text, null if it is to be made. With the GIL and no exception set; sets
// none. Runs Python code: the end of Python may unwind it.
void note_error(PyObject *exception, const char *plugin, const char *function,
                const char *traceback, const char *thread);

// Whether the class, or a base of it, has this name, with its module or without.
bool is_named(PyTypeObject *, const char *name) noexcept;

} // namespace epy
