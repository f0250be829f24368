// Objects in the host's hands: see embed_api.
#pragma once

#include "loader/embed_api.h"

namespace epy::embed {

epy_object *retain(epy_object *) noexcept;
void release(epy_object *) noexcept;
std::uint64_t count(const epy_object *) noexcept;
int is_a(const epy_object *, const char *class_name) noexcept;
const char *class_of(const epy_object *) noexcept;
epy_object *weak(epy_object *) noexcept;
epy_object *lock(epy_object *weak) noexcept;
epy_object *get(epy_object *, const char *attribute) noexcept;
int set(epy_object *, const char *attribute, epy_object *value) noexcept;
int keep_alive(epy_object *nurse, epy_object *patient) noexcept;

} // namespace epy::embed
