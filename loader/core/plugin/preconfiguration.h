// Python's preconfiguration: UTF-8 mode, and the locale (LC_CTYPE) of the process.
//
// CPython takes it once in a process, when its first configuration is read, and ignores it as long
// as Python is initialized. A host whose Python epy has started gets it nevertheless: for the time
// of one call CPython is told that it is not initialized. Besides the thread that holds the GIL
// nobody asks for that.
//
// What stays as epy has it: the memory allocators, in which memory is in use, and the encoding of
// file names, UTF-8, in which plugins have their paths.
#pragma once

#include <Python.h>

#ifdef __cplusplus
extern "C" {
#endif

// After epy's start, whose preconfiguration was `given`.
void epy_look_for_preconfiguration(const PyPreConfig *given);

// Any thread: whether Python is, or is being, preinitialized.
int epy_is_preinitialized(void);

// With the GIL. Python can be preinitialized anew from here to the end; 0 if it cannot.
struct epy_preinitialization {
    PyMemAllocatorEx allocators[3];
};
int epy_begin_preinitialization(struct epy_preinitialization *);
void epy_end_preinitialization(struct epy_preinitialization *);

#ifdef __cplusplus
}
#endif
