// Exports of a start that need no thought: C text of plain types alone, a function that fits it, a
// name that the plugin's file has. There may be thousands. Python does all others.
#pragma once

#include <string_view>
#include <vector>

#include "loader/core/state.h"

namespace epy {

// What the manifest says of a function.
struct stored_function {
    std::string_view name;
    std::string_view slot;
    std::string_view codes;
    std::string_view text;
    std::string_view error;
    std::string_view plain;
    Py_ssize_t end = 0; // of its fields in the rows
};

// What a start knows of such exports. Empty outside one.
struct plain_exports {
    ref rows; // bytes: the functions of the manifest, a line for each field
    std::vector<std::string_view stored_function::*> columns; // the fields' order
    Py_ssize_t cursor = 0; // in it: scripts define them in this order
    ref offered;           // dict: name -> what the script exports, of a plain one the callback
    ref ctypes;            // str: of the module
};

// NativePlugin.begin_start
PyObject *begin_plain_exports(plain_exports &, PyObject *arguments);

// plain_exporter(export): what `epy.export` is for scripts of plugins. Others call `export`.
PyObject *plain_exporter(PyObject *module, PyObject *general);

} // namespace epy
