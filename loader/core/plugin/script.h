// A plugin's script in the interpreter that is current: its start, and its end. Python's side of
// each is in epy/_plugin.py.
#pragma once

#include "loader/core/package.h"
#include "loader/core/state.h"
#include "loader/core/thread/context.h"

namespace epy {

// Runs it; takes over the reference to the plugin. A failure has been reported. With the GIL.
loaded start_script(const plugin_view &, found_gil found);

// on_unload hooks run, and all that it has made is dropped, unless it never started here. With the
// GIL.
void end_script(plugin *, found_gil found);

// The process exits: what runs at the end of an interpreter does, and its output is flushed. With
// the GIL.
void leave_interpreter();

// A function of the package's, with the argument or none; empty with an exception.
ref call_package(const package::name &, PyObject *argument);

// An exception that is nobody's.
void print_exception();

} // namespace epy
