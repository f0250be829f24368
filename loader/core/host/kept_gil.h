// The GIL is left as the host's call found it.
//
// A host that holds the GIL when it calls an export may go on as if nobody had it: its functions,
// called back from the script, use Python without asking. A plugin in C would not release the GIL
// for them either. So within such a call they are called with the GIL held: those of a header, the
// methods of `epy.methods`, and what `epy.call` calls. `epy.tail_call` jumps when Python is left as
// it was found. What a script calls with ctypes alone does what ctypes says: CDLL and CFUNCTYPE
// release, PyDLL and PYFUNCTYPE keep.
//
// ctypes decides by a flag of the function pointer's class. Therefore each class gets, when it is
// needed, a subclass that has the flag, and the call goes through an instance of that.
#pragma once

#include "loader/core/state.h"

namespace epy {

// The subclass of a class of function pointers whose calls keep the GIL; itself if its calls do.
ref class_that_keeps_gil(PyTypeObject *);

// What to call in place of a function pointer to leave the GIL as it was found: mostly itself. Null
// with a Python exception.
ref as_gil_was_found(const module_state &, PyObject *function);

} // namespace epy
