// The core for a Python that was chosen: found, opened, and asked to join or start it.
#pragma once

#include "loader/bootstrap/choice.h"
#include "loader/bootstrap/python.h"

namespace epy {

// Whom the core tells that Python ends: see core_options.
struct end_of_python {
    void (*is_gone)() noexcept;
    void (*complain)(const char *called) noexcept;
};

// `another`: somebody else has started this Python meanwhile, it is to be joined. The last two have
// said why; what has failed may work another time, from the beginning; `between` will.
enum class opening { done, another, between, refused, failed };

// `api` is the core's if done. Guarded by the start of Python. May throw std::bad_alloc.
opening open_core(const python_wish &, const chosen_python &, const end_of_python &,
                  const core_api *&api);

} // namespace epy
