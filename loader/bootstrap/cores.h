// What a start needs of epy beside the loader: a core for the Python, and the package's modules.
//
// They lie together, where the loader came from: in its own folder, or in the pack that it was in
// (brought.h, stub/pack.h). Where there is none for the Python they are taken from the folder of
// the loader that the plugin was built with, or from its own pack: one of another version says so.
#pragma once

#include <string>
#include <vector>

#include "loader/bootstrap/python.h"

namespace epy {

struct core_place {
    std::string file;    // of the core, or what it would be
    std::string folder;  // of the package; empty: in the plugin's pack
    packed_bytes packed; // the core there
    bool is_there = false;
};

// Of what Py_GetVersion says, "3.11.2 (main, ...)": "311", with "t" for a free-threaded build;
// empty if it is no version.
std::string version_tag(const char *version);

// `tag`: "311", "313t", "311d".
core_place find_core(const python_wish &, const std::string &tag);

// One line with the remedy; empty if it may be opened. What a plugin brings along is as good as it.
std::string reason_against_core(const core_place &);

// As dlopen does it.
void *open_core_object(const core_place &);

// The Pythons that there is a core for, newest first: "3.13t", "3.13", "3.11".
std::vector<std::string> versions_with_core(const python_wish &);

} // namespace epy
