// The class of a type, kind by kind.
#pragma once

#include "loader/core/headers/classes.h"

namespace epy {

// Of any type but void; a struct or union lacks its fields.
ref make_class(const header_types &, header_classes *, PyObject *kind);

// The `_headers.enums.Members` of an enum.
ref members_of_enum(header_classes *, PyObject *key);

} // namespace epy
