// The import of the package epy, from a folder that need not be on sys.path, or out of a plugin's
// pack; and again into another interpreter of this process, from the same place.
#pragma once

#include <string>

#include "loader/core/py.h"
#include "loader/core_api.h"

namespace epy {

// Where an interpreter has it from: a folder, or, if that is empty, modules out of a pack.
struct package_origin {
    std::string folder;
    std::string modules; // marshalled
};

// Each imports it, or is empty with an exception.
ref import_package(const core_options &);
ref import_package(const package_origin &);

// That of the current interpreter, which has imported it. False with an exception.
bool find_origin(package_origin &);

} // namespace epy
