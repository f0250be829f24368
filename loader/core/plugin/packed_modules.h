// The package epy out of a plugin that brings it along (stub/pack.h).
#pragma once

#include "loader/core/py.h"
#include "loader/core_api.h"

namespace epy {

// Imports it: nothing of the pack is needed any more afterwards. Empty with an exception.
ref import_packed_package(const core_options &);

} // namespace epy
