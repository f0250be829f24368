// How a native call reaches a callback: by the assembly entry or a libffi closure. One of
// entry_assembly.cpp and entry_libffi.cpp is built.
#pragma once

#include "loader/core/call/callback.h"

namespace epy {

// Prepares record.head.code for these types. False with a Python exception.
bool make_entry(call_record &, const signature &);

// An address of its own that runs the record's code, the same each time. Null with a Python
// exception.
void *address_of(call_record &);

} // namespace epy
