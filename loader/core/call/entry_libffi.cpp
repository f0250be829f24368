// Every entry by libffi.
#include "loader/core/call/closure.h"
#include "loader/core/call/entry.h"

namespace epy {

bool make_entry(call_record &native, const signature &types) { return make_closure(native, types); }

} // namespace epy
