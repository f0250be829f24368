// epy.tail_call: leave Python for good, then jump to a C function that does not come back.
//
// Some host functions end in a longjmp or in an exception of C++ (lua_error, ereport, croak).
// Called from Python they would jump across Python's frames, which Python does not survive. So a
// callback returns a TailCall: the call path leaves Python as after any call, puts the host's frame
// back as the host made it, and jumps. If the function does return, its result goes to the host.
#pragma once

#include "loader/core/call/frame.h"
#include "loader/core/call/signature.h"
#include "loader/core/state.h"

namespace epy {

struct tail_call {
    PyObject_HEAD void *target;
    signature *types;
    std::uint64_t *values; // of the arguments
    PyObject *kept;        // what they point into: a list
    PyObject *given;       // the objects whose handles are among them: a list
    bool is_taken;         // a callback returned it: the host has the handles
};

extern PyType_Spec tail_call_spec;

// A callback's result as a tail call that will be made, or null if it is none: borrowed, no
// exception.
const tail_call *take_tail_call(const module_state &, PyObject *object) noexcept;

// The arguments into the registers' places of a frame.
void fill(const tail_call &, frame &registers) noexcept;

} // namespace epy
