// PyEval_RestoreThread, as those call it who let a function of the host's run without the GIL: epy,
// and by its name ctypes and extension modules.
//
// The function may have left this thread the GIL: it returned inside of epy_enter (open_scopes.h),
// or has initialized Python (plugin/handover.h). CPython would wait for itself. So from the first
// time on that this may be, the function leads here for the whole process.
#pragma once

#include <atomic>

#include "loader/core/py.h"
#include "loader/core_api.h"

namespace epy {

// The loader's, before anything else.
void replace_functions_by(void (*)(const void *place, const replacement *,
                                   std::size_t count) noexcept) noexcept;

// From now on others' calls lead to `restore_thread`. With the GIL of the main interpreter.
void lead_restore_here() noexcept;

// What PyEval_RestoreThread was.
void restore_thread(PyThreadState *);

// If there is one it is asked first. True: the thread has the GIL, and keeps it.
extern constinit std::atomic<bool (*)(PyThreadState *)> keeps_restored;

} // namespace epy
