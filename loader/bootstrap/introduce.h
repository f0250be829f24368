// A plugin's own code opens the loader at the first call of an export, and tells it of the plugin's
// end. A host of epy.h may start a plugin before that, through the loader alone: then the plugin's
// code is introduced to the loader.
#pragma once

#include "stub/stub.h"

namespace epy {

// Of a plugin that is mapped, whole, and of contract 2 at least. Takes the dynamic loader's lock.
void introduce(const stub_info &) noexcept;

// This thread is inside of introduce: what the plugin's code asks for is no import.
bool is_introducing() noexcept;

} // namespace epy
