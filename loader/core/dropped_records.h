// The records of dropped callbacks of one interpreter, in the order of their drops. Linked, because
// a drop must not need memory. Guarded by the interpreter's GIL: what a record still holds is that
// interpreter's, and so it is used again there alone.
#pragma once

#include <cstddef>

namespace epy {

struct call_record; // call/callback.h, as records.cpp has the functions

struct dropped_records {
    call_record *oldest = nullptr;
    call_record *newest = nullptr;
    std::size_t count = 0;

    void add(call_record *) noexcept;
    // Null if none was dropped long enough ago.
    call_record *take() noexcept;
};

} // namespace epy
