// The GIL of an interpreter that has one of its own: CPython 3.13 and newer, as far as epy's
// scripts can run in one. No function tells of it.
#pragma once

#include <Python.h>

#ifdef __cplusplus
extern "C" {
#endif

// Whether some thread has it. False for an interpreter that shares the main one's.
int epy_own_gil_is_taken(PyInterpreterState *);

#ifdef __cplusplus
}
#endif
