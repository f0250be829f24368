// What is to run once though the host forks: the loader tells whether this process does it
// (loader/bootstrap/lineage.h).
#pragma once

#include "loader/core/py.h"
#include "loader/core_api.h"

namespace epy {

void ask_loader_what_to_run(const core_options &) noexcept;

// For Python.
PyObject *mark_to_run(PyObject *, PyObject *);
PyObject *take_to_run(PyObject *, PyObject *mark);

} // namespace epy
