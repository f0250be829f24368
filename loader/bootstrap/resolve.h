// The entries of resolve_x86_64.S. Never called: jumped to, with %r11 = the record.
#pragma once

#include "stub/stub.h"

extern "C" {
[[gnu::visibility("hidden")]] void epy_loader_resolver();
[[gnu::visibility("hidden")]] void epy_loader_error_value();
}
