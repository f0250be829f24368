// Functions that the host has given for its objects, called with the GIL.
#pragma once

#include "loader/core/thread/open_scopes.h"
#include "loader/core/thread/unwinding.h"

namespace epy {

template <typename Hook> auto call_hook(Hook hook) {
    const floor_for_scopes floor;
    try {
        return hook();
    } catch (...) { // the host's, and Python called it
        left_by_exception();
    }
}

} // namespace epy
