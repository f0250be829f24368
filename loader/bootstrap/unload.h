// A plugin's destructor.
#pragma once

#include "stub/stub.h"

namespace epy {

void unload(stub_info *) noexcept;

} // namespace epy
