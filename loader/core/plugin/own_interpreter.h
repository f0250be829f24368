// An interpreter with a lock (GIL) of its own for one plugin: `epy build --isolation own-gil`.
//
//   load    the thread, attached to the main interpreter, makes another one, imports epy there from
//           where the main one has it, and the script runs there as it would in the main one
//   calls   are those of any sub-interpreter's callbacks: thread/sub_interpreter.h
//   unload  the script is dropped there; threads that it has started and calls under way are waited
//           for; Python ends the interpreter
//   the end of Python does the same before the main interpreter's calls end; where the process
//           exits and nobody finalizes, exit functions run there
//
// Python ends no interpreter in which threads are left. One that the script's threads do not leave
// stays, with a line, and takes no calls.
//
// `here` is each time what is current, of the main interpreter, and is so again afterwards.
#pragma once

#include "loader/core/state.h"

namespace epy {

// As start_script, in a new one.
loaded start_in_own_interpreter(const plugin_view &, PyThreadState *here);

// Ends the script and its interpreter. False if the plugin has none for itself.
bool end_own_interpreter(plugin *, PyThreadState *here);

// Python is finalized: all of them.
void end_own_interpreters(PyThreadState *here);

// The process exits. With whichever GIL.
void leave_own_interpreters();

} // namespace epy
