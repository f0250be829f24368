// A shared object opened from its bytes. Freestanding: the stub opens a loader that a plugin brings
// along, the loader a core.
//
// The bytes become a file without a name (memfd). Where the kernel has none, or does not let it be
// run, or /proc is not there, they become a file in a folder that nobody else can enter, of the
// user's, which is gone again when it is open.
#pragma once

#include <cstddef>

namespace epy {

// `name` is what the file is called. Its path must not be one that was opened before, whatever that
// is now: the dynamic loader goes by names. So each kind of object has a `view` of its own of the
// process's open files: "/proc/self/fd", say. Null with the reason in dlerror(), or in errno.
void *open_from_memory(const char *name, const char *view, const void *bytes, std::size_t size);

} // namespace epy
