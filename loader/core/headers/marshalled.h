// A look at marshalled bytes before Python reads them.
#pragma once

#include <string_view>

namespace epy {

// Whether these bytes begin with one whole value as `_file.stored_header` writes it: None, bool,
// int, float, str, bytes, or a tuple of these.
bool is_marshalled(std::string_view bytes);

} // namespace epy
