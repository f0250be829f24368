// Every entry by libffi.
#include "closure.h"
#include "entry.h"

namespace epy {

bool make_entry(call_record &native, const signature &types) { return make_closure(native, types); }

} // namespace epy
