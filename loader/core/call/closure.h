// Entries by libffi: for values that the call frame does not cover, for processors without an
// assembly entry, and to check the assembly against.
#pragma once

#include "loader/core/call/callback.h"

namespace epy {

// Lets libffi's native code be what runs the record. False with a Python exception.
bool make_closure(call_record &, const signature &);

} // namespace epy
