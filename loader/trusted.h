// What must not be run or read in a process with raised privileges (stub/trust.h says who and why).
//
// Each function gives the reason against a file as one clause with its remedy: empty if there is
// none, and in a process without raised privileges.
#pragma once

#include <string>

namespace epy {

// A file, or a folder that files are looked for in.
std::string reason_against(const std::string &path);

// The same, where it need not exist: what is not there is not used.
std::string reason_against_if_there(const std::string &path);

// A folder and all that lies in it.
std::string reason_against_tree(const std::string &folder);

// A shared object, and those that the dynamic loader takes for it from the folders that it names
// itself (DT_RUNPATH, DT_RPATH). The system's own folders are the host's matter.
std::string reason_against_object(const std::string &path);

// What decides where a Python looks for its modules, before it can be asked: the folders of its
// executable, as named and as it is, and the pyvenv.cfg of a virtual environment.
std::string reason_against_executable(const std::string &path);

} // namespace epy
