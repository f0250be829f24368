// Where a Python executable keeps its shared library, found out without running it.
#pragma once

#include <string>

namespace epy {

// "3.11" of ".../python3.11", ".../libpython3.11.so.1.0" or "3.11.2"; empty if there is none.
std::string version_in(const std::string &text);

// The libpython of an executable, of a virtual environment or not; empty if there is none.
std::string libpython_of(const std::string &executable);

// The Python that a virtual environment was made of, if `executable` belongs to one; else the same.
std::string base_executable(const std::string &executable);

// Why `executable`, if it is one of a virtual environment, does not fit this libpython: one line
// with the remedy; empty if it fits.
std::string venv_problem(const std::string &executable, const std::string &libpython);

} // namespace epy
