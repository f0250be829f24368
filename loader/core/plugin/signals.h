// What signals do in the host's process: kept and put back, because Python takes some for itself.
#pragma once

#include "loader/core/py.h"

namespace epy {

// Imports `_signal`, which takes SIGINT if that has its default action, without letting it.
void import_signals_untaken() noexcept;

// For epy/_running/signals.py.
PyObject *signal_handler(PyObject *, PyObject *number);
PyObject *keep_signal(PyObject *, PyObject *number);
PyObject *put_signal_back(PyObject *, PyObject *kept);

} // namespace epy
