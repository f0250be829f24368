// Modules of the package that are in memory before they run.
//
// Half of what Python does for an import is to look for the file, and a start needs a dozen of the
// package's. In a Python that epy starts their compiled files are read at once, without the import
// system. Each is a module that runs when something is taken out of it: what a start does not use
// costs it nothing, and is there when it is needed, in a host that has changed its root folder too.
#pragma once

#include "loader/core/py.h"

namespace epy {

// epy starts this Python, with the package in that folder, which stays.
void keep_modules_of(const char *package_folder) noexcept;

// From now on they are there, if epy starts this Python: the core is what the package imports
// first. False with a Python exception.
bool keep_modules();

} // namespace epy
