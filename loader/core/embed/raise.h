// What C raises where Python called it: see embed_api, and core/host/raised.h.
#pragma once

namespace epy::embed {

int raise(const char *type, const char *message) noexcept;
int raise_errno(int number, const char *file) noexcept;
int raise_again() noexcept;
void clear_raised() noexcept;

} // namespace epy::embed
