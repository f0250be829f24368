// The end: a plugin's destructor, and the exit of the process.
#pragma once

#include "stub/stub.h"

namespace epy {

void unload(stub_info *) noexcept;

// Called once, when epy has started Python: runs exit functions when the process exits.
void arrange_exit() noexcept;

} // namespace epy
