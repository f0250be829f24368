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
//
// In place of the function ctypes calls `epy_call_as_found` then. A call that came with another
// interpreter's state current, or led to by PyGILState_Ensure, has changed it for one of ours
// (thread/state_change.h): around the host's function that is taken back. What ctypes makes of
// arguments and result, and `library=ctypes.PyDLL`, which says that the function uses the script's
// objects, need the script's interpreter. And a function that gave the GIL away inside of epy_pause
// has it again before ctypes makes anything of its result.
#pragma once

#include "loader/core/state.h"

namespace epy {

// The subclass of a class of function pointers whose calls keep the GIL; itself if its calls do.
ref class_that_keeps_gil(PyTypeObject *);

// A call of a function pointer that leaves the GIL as it was found, of anything else as it is.
// Lives during the call.
class host_call {
public:
    host_call(const module_state &, PyObject *function);
    ~host_call();
    host_call(const host_call &) = delete;
    host_call &operator=(const host_call &) = delete;

    // What to call, mostly the function itself. Null with a Python exception.
    [[nodiscard]] PyObject *function() const noexcept { return function_.get(); }

    // For epy_call_as_found: what it is called for.
    static void *take_target() noexcept;

private:
    ref function_;
    void **place_ = nullptr;     // in the function pointer, while that leads elsewhere than
    void *target_ = nullptr;     // the host's function
    host_call *outer_ = nullptr; // converting an argument may call another
};

// call_as_found(function, *arguments, **keywords), as a Python method.
PyObject *call_as_found(PyObject *module, PyObject *const *arguments, Py_ssize_t count,
                        PyObject *names);

} // namespace epy
