// Calls by name, and what C raises in Python: see embed_api.
#pragma once

#include <cstdarg>

#include "loader/core/state.h"

namespace epy::embed {

epy_object *call(plugin *, const char *name, bool keywords, const char *format,
                 std::va_list) noexcept;
int call_into(plugin *, const char *name, const char *result, void *place, const char *format,
              std::va_list) noexcept;
epy_object *call_object(epy_object *, bool keywords, const char *format, std::va_list) noexcept;
epy_object *call_method(epy_object *, const char *method, bool keywords, const char *format,
                        std::va_list) noexcept;
void take_stolen(const char *format, std::va_list) noexcept;

} // namespace epy::embed
