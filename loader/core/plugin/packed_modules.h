// The package epy out of a plugin that brings it along (stub/pack.h).
#pragma once

#include <string>

#include "loader/core/py.h"
#include "loader/core_api.h"

namespace epy {

// Imports it: nothing of the pack is needed any more afterwards. Empty with an exception.
ref import_packed_package(const core_options &);

// The same from what packed_modules_of gave.
ref import_packed_package(const std::string &modules);

// A copy of what an interpreter has imported it from, by the package's `__spec__`: marshalled.
// False without an exception if that is no pack.
bool packed_modules_of(PyObject *spec, std::string &modules);

} // namespace epy
