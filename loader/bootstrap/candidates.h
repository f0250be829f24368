// Which Python a plugin starts where none runs in its process, in the order in which they are
// looked at:
//
//   host      what the host has named with epy_set_python, an executable
//   beside    FOLDER/epy/python, FOLDER being the plugin's: what was sent along with it
//   variable  EPY_PYTHON, an executable (not with raised privileges)
//   stamped   that which the plugin was built for; not in a bundle, which is for other machines
//   path      python3.N on PATH (not with raised privileges), of each N that there is a core for,
//             the stamped one first, then the newest
//   system    the same of /usr/local and /usr, also where there is a library alone, and what the
//             dynamic linker finds
//
// No process is started to ask: everything is read from the names of files.
#pragma once

#include <string>
#include <vector>

#include "loader/bootstrap/python.h"

namespace epy {

enum class python_source { host, beside, variable, stamped, path, system };

struct python_candidate {
    python_source source{};
    std::string libpython{};  // a path, or a name for the dynamic linker
    std::string executable{}; // need not be there: it says where the standard library is
    std::string problem{};    // one clause; empty: it can be used
    bool ends_search = false; // it was asked for: another one would be a surprise
};

// As far as the first that can be used, or that ends the search: the last one.
std::vector<python_candidate> find_candidates(const python_wish &);

// The program of the installation that a libpython belongs to: it need not be there. Empty if it
// has no standard library.
std::string executable_of(const std::string &libpython);

// One line: what was looked at, where, and what to install.
std::string describe(const std::vector<python_candidate> &, const python_wish &);

} // namespace epy
