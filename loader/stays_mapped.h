// An object that is never unmapped: threads may be inside, and callbacks lead into it.
//
// The linker's -z nodelete would say so, but at a moment at which loading can still fail: glibc
// then keeps the object without having run its constructors, and the next dlopen gets it like that.
// So the object itself says it, when nothing can fail any more.
#pragma once

namespace epy {

// The one that this is linked into.
void stay_mapped() noexcept;

} // namespace epy
