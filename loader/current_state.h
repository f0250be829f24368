// Whose the current thread state is, on CPython 3.11.
//
// From 3.12 on each thread has a current state of its own. Before that there is one for the
// process, that of the thread which has the GIL, and no function says which thread this is. Mostly
// it is enough that PyGILState_GetThisThreadState gives the same state. But a host with
// sub-interpreters has several states for a thread, of which that function knows the first. So:
//
// - The state was made on this thread: it says so itself. If not, it is another thread's.
// - Mostly a thread uses the states that it has made. A host may also make them on one thread and
//   hand them out to others. Where Python code runs in the state, its innermost C frame tells: it
//   lies on this thread's stack or elsewhere.
// - Else C code has the GIL for a moment, another thread's, or the caller, and then it stays like
//   that as long as anybody looks. A look of some milliseconds is done once for each state.
//
// The core has the structure's offsets checked by the compiler; the loader, which needs this before
// there is a core, knows no Python.h.
#pragma once

#include <cstddef>

namespace epy {

inline constexpr std::size_t interpreter_in_state = 16;
inline constexpr std::size_t frame_in_state = 56;
inline constexpr std::size_t thread_in_state = 152;
inline constexpr std::size_t first_frame_in_state = 336;

// `current`: a look at the process's current state, null if none. `first`: what
// PyGILState_GetThisThreadState gives. `look_again`: gives the current state anew. The state may be
// freed meanwhile by the thread that it belongs to, whose number is in there then as before.
bool is_current_here(const void *current, const void *first, const void *(*look_again)()) noexcept;

} // namespace epy
