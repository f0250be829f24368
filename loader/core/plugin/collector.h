// Python's garbage collector while a start makes thousands of objects that are there to stay.
//
// Looking for garbage among them took a tenth of a start. For a scope the collector waits for many
// more new objects than usual; a script that sets the thresholds itself keeps what it has set.
#pragma once

#include "loader/core/py.h"

namespace epy {

// With the GIL, also while an exception is set.
class patient_collector {
public:
    patient_collector() noexcept;
    ~patient_collector();
    patient_collector(const patient_collector &) = delete;
    patient_collector &operator=(const patient_collector &) = delete;

    // Nothing that exists now will be garbage as long as Python is epy's: do not look at it again.
    void keep_what_is_there() const noexcept;

private:
    ref collector_; // module gc; empty if it cannot be had
    ref usual_;     // its thresholds
};

// A host has that Python from now on, or it ends. The host's objects are in what was there, as in
// `__main__`: those that lead to each other would not die.
void keep_no_longer() noexcept;

} // namespace epy
