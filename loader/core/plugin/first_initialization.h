// What CPython does in the first initialization of a process only: the host's configuration is told
// to epy/_running/takeover.py, which does it once more.
#pragma once

#include "loader/core/py.h"

namespace epy {

// With the GIL, after the host's configuration has been read.
void complete_first_initialization(const PyConfig &wanted);

} // namespace epy
