// Calls of the host's functions through which exceptions of callbacks pass: `epy.call`, and those
// of a header.
#pragma once

#include <utility>

#include "loader/core/py.h"
#include "loader/core/thread/context.h"

namespace epy {

// While it lives this thread calls a host's function. The exceptions of callbacks that this calls
// directly are recorded, not reported. What an outer one of the same callback has recorded waits.
class recording {
public:
    recording() : recording(nullptr) {}
    // `place` is for a call in which no Python of this scope runs: nothing else of it can be there
    // at the end.
    explicit recording(call_extras *place)
        : made_(running.extras == nullptr), lent_(made_ && place != nullptr),
          extras_(lent_ ? *(running.extras = place) : extras_of_this_call()) {
        if (!made_) {
            exchange();
        }
        extras_.recording = true;
    }
    ~recording() {
        if (lent_) [[likely]] {
            running.extras = nullptr;
        } else if (made_ && running.extras == &extras_ && extras_.views == nullptr &&
                   extras_.error_number < 0) [[likely]] {
            delete std::exchange(running.extras, nullptr);
        } else {
            exchange();
        }
    }
    recording(const recording &) = delete;
    recording &operator=(const recording &) = delete;

    // What the call gave; or null with the first exception of a callback, whose `epy_result` that
    // is.
    PyObject *outcome(ref result) {
        return extras_.first_exception ? raise_again(result.get()) : result.release();
    }

private:
    void exchange() {
        std::swap(extras_.recording, outer_);
        std::swap(extras_.first_exception, first_);
        std::swap(extras_.more_exceptions, more_);
    }
    PyObject *raise_again(PyObject *result);

    const bool made_;
    const bool lent_;
    call_extras &extras_;
    bool outer_ = false;
    ref first_;
    Py_ssize_t more_ = 0;
};

// call(function, *arguments, **keywords), as a Python method.
PyObject *call_recording(PyObject *module, PyObject *const *arguments, Py_ssize_t count,
                         PyObject *names);

} // namespace epy
