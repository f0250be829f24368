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
// Hosts that fork clear exit functions in the child (atexit._clear()). If epy's are gone, its
// module or Py_AtExit tells of the end, and on_unload hooks do not run.
#pragma once

#include "loader/core/py.h"
#include "loader/core_api.h"

namespace epy {

// From now on the end of this Python is followed. With the GIL; once for each.
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
