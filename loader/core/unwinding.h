// Forced unwinding through Python.
//
// A CPython before 3.14 that finalizes ends every thread that waits for the GIL, by unwinding its
// stack. Such a thread owns nothing of Python any more, so no destructor of ours may run; and the
// host's frames above may not bear the unwinding. So the thread is parked here for good, as newer
// CPythons do.
//
// pthread_cancel unwinds too. It may strike while Python waits for the GIL with a lock of its own
// held, which nobody would ever release. So cancellation waits until the call into Python is over.
#pragma once

#include <pthread.h>
#include <sys/single_threaded.h>
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

// Puts pthread_cancel off for a scope. Not in a process with one thread: nobody could cancel it.
class cancellation_put_off {
public:
    void begin() noexcept {
        if (__libc_single_threaded == 0) {
            pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_);
        }
    }
    void end() const noexcept {
        if (before_ == PTHREAD_CANCEL_ENABLE) {
            pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
        }
    }

private:
    int before_ = PTHREAD_CANCEL_DISABLE;
};

} // namespace epy
