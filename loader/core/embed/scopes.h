// Scopes in which a host's thread keeps Python's lock, or gives it away: see embed_api.
#pragma once

#include "loader/embed_api.h"

namespace epy::embed {

bool enter(epy_scope *) noexcept;
void leave(epy_scope *) noexcept;
void pause(epy_scope *) noexcept;
void resume(epy_scope *) noexcept;

} // namespace epy::embed
