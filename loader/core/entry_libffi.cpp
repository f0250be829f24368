// Every entry by libffi, whose closures have an address of their own.
#include "closure.h"
#include "entry.h"

namespace epy {

bool make_entry(call_record &native, const signature &types) { return make_closure(native, types); }

void *address_of(call_record &native) { return reinterpret_cast<void *>(native.head.code); }

} // namespace epy
