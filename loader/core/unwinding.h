// Forced unwinding through Python.
//
// A CPython before 3.14 that finalizes ends every thread that waits for the GIL, by unwinding its
// stack. Such a thread owns nothing of Python any more, so no destructor of ours may run; and the
// host's frames above may not bear the unwinding. So the thread is parked here for good, as newer
// CPythons do.
//
// pthread_cancel unwinds too, and is put off (cancellation.h).
#pragma once

#include <unistd.h>

#include "py.h"

namespace epy {

// Runs what may run Python code or wait for the GIL: C code, which throws nothing. What arrives
// here is forced unwinding (abi::__forced_unwind, which has no object to bind a reference to).
template <typename Call> [[gnu::always_inline]] inline auto run_python(Call call) {
    try {
        return call();
    } catch (...) {
        for (;;) {
            pause();
        }
    }
}

} // namespace epy
