// Which Python the process's plugins get:
//   1. a Python that is initialized in this process: join it;
//   2. a Python that the host has loaded for everyone but not started (a host linked with
//      libpython): start that one, because two would share their symbols, with the standard library
//      of its own installation, which need not be the plugin's;
//   3. one that is found (candidates.h): open its libpython and start it.
#pragma once

#include <string>

#include "loader/bootstrap/gil.h"
#include "loader/bootstrap/python.h"

namespace epy {

struct chosen_python {
    void *handle = nullptr;
    std::string file;
    std::string executable;
    std::string base; // for `start`: where its standard library is, if `executable` does not say
    bool start = false;
    bool ours = false;   // epy starts it, or has
    bool chosen = false; // by EPY_PYTHON or the host
    bool is_new = false; // there was none in the process
};

// False after saying why: there is none, for good. One that could not be opened has no handle, and
// has said why too. Guarded by the start of Python.
bool choose(const python_wish &, chosen_python &);

// What was asked for in a start of epy's that failed when Python was there already: the next one
// goes on from there. Null if there is none. Guarded by the start of Python.
void note_unfinished_start(const chosen_python *);

// What comes before the plugins' own, by epy_set_python: an absolute path.
void choose_for_host(const std::string &executable);

// Why a plugin must not start: its bundle is not whole; with raised privileges, others can change
// what it would run. Empty if it may. Also where a Python runs already: its own files are its
// host's matter, what epy brings is not.
std::string reason_against_wish(const python_wish &);

// After a start that failed, with the core that failed to start it, if there is one: whether the
// next start finds both unmapped. CPython itself does not start twice. Guarded by the start of
// Python.
bool unload(const chosen_python &, void *core) noexcept;

// Before a start: false if what the last one left is still there. May throw std::bad_alloc.
bool unload_the_rest();

// A Python that is loaded, as dlopen gives it.
void *open_again(const python_object &);

} // namespace epy
