// The end of Python.
//
// A host may finalize Python, whether it or epy has started it, and initialize it again:
//
//   exit functions, in reverse order; the last are epy's: on_unload hooks, then end_of_calls()
//     -> no call begins any more, and those that have begun get a second to return. Threads that
//        are inside then are ended or parked by CPython when they want the GIL.
//   modules and interpreters are deleted
//   what Py_AtExit has registered
//     -> nothing of the core's leads into Python any more; the loader is told, so that slots lead
//        to its resolver again, as before the first call.
//   a later call -> Python is initialized again: plugins start again, all modules are made anew.
//                   Else it returns the error value, and one line says why.
//
// Hosts that fork clear exit functions in the child (atexit._clear()), and where no plugin has
// started epy's are not there. Then the interpreter's dict tells of the end, where a call would
// wait for a Python that is gone, and on_unload hooks do not run.
#pragma once

#include "loader/core/py.h"
#include "loader/core_api.h"

namespace epy {

// From now on no call outlives this Python. With the GIL, before threads attach; false with an
// exception.
bool follow_interpreter();

// From now on its end is orderly. With the GIL; once for each Python.
void follow_end(const core_options &);

// epy._core.end_of_calls(), the last exit function.
PyObject *end_of_calls(PyObject *, PyObject *);

// Exit functions run, but only the process exits: calls are served to the last.
class calls_go_on {
public:
    calls_go_on() noexcept;
    ~calls_go_on();
    calls_go_on(const calls_go_on &) = delete;
    calls_go_on &operator=(const calls_go_on &) = delete;
};

} // namespace epy
