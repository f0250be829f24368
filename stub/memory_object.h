// Code that comes from bytes in memory, not from a file of its own. Freestanding: the stub opens a
// loader that a plugin brings along so, the loader a core, the core maps trampolines.
//
// The bytes become a file without a name (memfd). Where the kernel has none, or does not let it be
// run, or /proc is not there, they become a file in a folder that nobody else can enter, of the
// user's, which is gone again when it is open.
#pragma once

#include <cstddef>

namespace epy {

// True ends the search for a file that serves.
using file_use = bool(const char *path, int descriptor, void *argument);

// Uses a file with these bytes, then another one, until `use` is content; false if it never was.
// The file can be read and written. `view` is where the process's open files have paths.
bool use_as_file(const char *name, const char *view, const void *bytes, std::size_t size,
                 file_use *use, void *argument);

// `name` is what the file is called. Its path must not be one that was opened before, whatever that
// is now: the dynamic loader goes by names. So each kind of object has a `view` of its own of the
// process's open files: "/proc/self/fd", say. Null with the reason in dlerror(), or in errno.
void *open_from_memory(const char *name, const char *view, const void *bytes, std::size_t size);

// What to do where nothing takes them.
extern const char memory_object_remedy[];

// Whether the process may have no more memory of its own than Python takes: why a library could not
// be opened. The dynamic loader says no more than that a segment was not mapped, as of a folder
// that is mounted with noexec.
bool lacks_memory();
extern const char memory_remedy[];

} // namespace epy
