// The records of callbacks: made, used again long after a drop, never freed.
//
// A host may have the address of a callback that is gone, or be on its way into one. So a record
// stays memory that can be read, answers with its error value, and becomes another callback's only
// after 4,096 later drops. Each interpreter has its own: what a record still holds, the text of an
// error value for instance, is memory of the interpreter that made it, under that one's lock.
#pragma once

#include <memory>

#include "loader/core/call/callback.h"

namespace epy {

// Its callback is gone: it waits to be used again.
struct retire {
    void operator()(call_record *) const noexcept;
};

using owned_record = std::unique_ptr<call_record, retire>;

// For a callback of that interpreter, null for the main one. May throw std::bad_alloc.
owned_record new_record(sub_interpreter *);

// A sub-interpreter ends, after all its callbacks: their records let go what is its own. With its
// GIL.
void forget_dropped_callbacks(const sub_interpreter &ended) noexcept;

} // namespace epy
