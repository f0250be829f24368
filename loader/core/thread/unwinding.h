// What unwinds the stack of a thread that runs Python.
//
// Forced unwinding: a CPython before 3.14 that finalizes ends every thread that waits for the GIL
// so. Such a thread owns nothing of Python any more, so no destructor of ours may run; and the
// host's frames above may not bear the unwinding. A catch would come too late, after the
// destructors of all frames inside of it. So the thread is parked by the first frame of ours that
// is asked what it has to clean up (unwinding.cpp), for good, as newer CPythons do.
//
// std::bad_alloc, from our own code: the thread holds the GIL, and goes on with MemoryError.
//
// Any other C++ exception is the host's, thrown across Python, which cannot go on after that.
//
// pthread_cancel unwinds too, and is put off (cancellation.h).
#pragma once

#include <new>

#include "loader/core/py.h"

namespace epy {

// Ends the process with a line that names the callback that is running.
[[noreturn]] void left_by_exception() noexcept;

// Parks the thread, which the end of Python or pthread_exit unwinds.
[[noreturn]] void left_by_unwinding() noexcept;

// A thread ends. If a call on it was left by a jump that kept the GIL, nobody would get that any
// more: ends the process with such a line.
void look_for_jump_at_end(bool holds_gil) noexcept;

// Runs what may run Python code, wait for the GIL or allocate. Null (false, nothing) with
// MemoryError if memory runs out.
template <typename Call> [[gnu::always_inline]] inline auto run_python(Call call) {
    try {
        return call();
    } catch (const std::bad_alloc &) {
        if (PyGILState_Check() == 0) { // a function of the host's, called through ctypes
            left_by_exception();
        }
        PyErr_NoMemory();
        return decltype(call())();
    } catch (...) {
        left_by_exception();
    }
}

} // namespace epy
