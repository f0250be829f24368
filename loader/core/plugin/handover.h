// Initialization by a host whose thread is inside a plugin: a script called a function of the
// host's and that initializes Python (PostgreSQL: a plugin, SPI, the first function in plpython).
//
// The host holds the GIL then, and mostly keeps it. But the calls below it were to take it and give
// it up again: what called the host's function takes it at the return, and would wait for itself;
// the plugin's call gives it up at its end, and the host goes on without it. So from the first such
// initialization on
//
// - PyEval_RestoreThread (thread/restore.h) asks here: a thread that has the GIL already with the
//   state that it asks for has got what it wants;
// - a call of a plugin's that ends asks here whether the host has the GIL by now, and leaves it.
#pragma once

namespace epy {

// This thread has the GIL for the host.
void hand_over() noexcept;

} // namespace epy
