// One call from the host into Python, whatever entry it came through.
#pragma once

#include "loader/core/call/callback.h"
#include "loader/core/call/frame.h"
#include "loader/core/call/tail_call.h"

// For call_entry_x86_64.S: fills in the result registers and returns null, or fills in the argument
// registers and returns the function to leave for.
extern "C" [[gnu::visibility("hidden")]] void *epy_dispatch(epy::call_record *native,
                                                            epy::frame *registers) noexcept;
// The same for epy_call_entry_sub, callbacks of sub-interpreters.
extern "C" [[gnu::visibility("hidden")]] void *epy_dispatch_sub(epy::call_record *native,
                                                                epy::frame *registers) noexcept;

namespace epy {

// Where libffi left the arguments, and where it wants a result of more than a register.
struct pointer_arguments {
    void *result;
    void *const *base;
    const void *at(std::size_t index, std::uint32_t) const { return base[index]; }
};

struct served {
    // The result, or the error value, as register contents. A result of more than a register is
    // written where the arguments say; an error value of that size is not.
    std::uint64_t bits;
    const tail_call *jump; // if not null: leave for that function instead
};

// Runs the callback. Lets nothing out.
served serve(call_record &, pointer_arguments) noexcept;
// That of a sub-interpreter.
served serve_sub(call_record &, pointer_arguments) noexcept;

} // namespace epy
