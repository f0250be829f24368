// Python's main thread.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

// On the thread that has just started Python.
void epy_look_for_main_thread(void);

// The calling thread is it from now on. With the GIL.
void epy_become_main_thread(void);

#ifdef __cplusplus
}
#endif
