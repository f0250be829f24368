// What `epy build` has stored in a plugin, taken apart: python/epy/_archive.py describes it.
#pragma once

#include "loader/core/py.h"

namespace epy {

// parse_archive(bytes) -> a list of each kind of block; None if they are cut short or none of an
// archive.
PyObject *parse_archive(PyObject *, PyObject *data);

// archive_lines(bytes) -> list of str. None if the last does not end.
PyObject *archive_lines(PyObject *, PyObject *data);

} // namespace epy
