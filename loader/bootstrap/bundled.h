// Plugins that lie in a folder of `epy bundle` (stub/bundle.h).
#pragma once

#include <string>

namespace epy {

bool is_in_bundle(const std::string &plugin);

// One clause and its remedy if the bundle of this plugin is not as it was written, or if others can
// change it in a process with raised privileges; empty if it may be used, or there is none.
std::string reason_against_bundle(const std::string &plugin);

// Before its Python is opened: the libraries that the bundle brings, where this system has none of
// that name. They stay; what needs them finds them by name, as they are in the process then.
void open_libraries_of_bundle(const std::string &plugin);

} // namespace epy
