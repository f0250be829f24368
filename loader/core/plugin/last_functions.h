// The functions that a host has given to Py_AtExit.
//
// Py_FinalizeEx runs them last, when there is no interpreter any more, and then takes the rest of
// Python apart: one that started meanwhile would be broken.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

// Any thread: whether they run; since 3.15 whether this thread runs them. Of a Python without an
// interpreter.
int epy_runs_last_functions(void);

#ifdef __cplusplus
}
#endif
