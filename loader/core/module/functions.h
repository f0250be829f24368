// The functions of the extension module epy._core.
#pragma once

#include "loader/core/py.h"

namespace epy {

extern PyMethodDef module_functions[];

} // namespace epy
