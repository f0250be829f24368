// A plugin that Python imports as a module.
#pragma once

namespace epy {

// The definition of a module that runs the script of the plugin which it is loaded from.
void *module_init() noexcept;

} // namespace epy
