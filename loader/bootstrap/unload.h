// The end: a plugin's destructor, and the exit of the process.
#pragma once

#include "stub/stub.h"

namespace epy {

void unload(stub_info *) noexcept;

// Called once there is a Python: what happens when the process exits. If Python is ours, its exit
// functions run.
void arrange_exit(bool python_is_ours) noexcept;

} // namespace epy
