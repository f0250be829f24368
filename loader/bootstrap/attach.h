// The constructor of a plugin that starts when it is loaded.
#pragma once

#include "stub/stub.h"

namespace epy {

void attach(stub_info *) noexcept;

} // namespace epy
