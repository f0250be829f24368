// A struct's or union's definition -> the fields of its class.
#pragma once

#include "loader/core/headers/definitions.h"

namespace epy {

// False with a Python exception.
bool give_fields(const header_types &, header_classes *, PyObject *type, PyObject *definition);

} // namespace epy
