// Leaving the process, which began a Python.
#pragma once

namespace epy {

// Called once there is a Python: what happens when the process exits. If Python is ours, its exit
// functions run.
void arrange_exit(bool python_is_ours) noexcept;

// Exit has begun. The destructors that it runs are not those of a dlclose: calls go on.
bool is_process_ending() noexcept;

// Python's part of the exit is done, or this thread is doing it: destructors have none.
bool is_python_left() noexcept;

} // namespace epy
