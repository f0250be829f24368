// Which memory the host uses for a data symbol of a plugin that it was linked with.
#pragma once

namespace epy {

// The executable's copy of the data `name` that a plugin defines at `original`, or `original` if
// the executable has no copy of that very definition.
void *data_address(const char *name, void *original) noexcept;

} // namespace epy
