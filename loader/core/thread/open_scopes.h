// The scopes of epy.h that are open on each thread: in which it keeps the GIL, or has given it
// away.
//
// The host's epy_scope is a name for one and no more: it may be used for both kinds, left twice, on
// another thread, before an inner one, or be gone from the stack without having been left.
//
// A call into the host's code is to leave the scopes that it finds alone, and to have left its own
// when it returns: Python goes on with the GIL as it was, or would wait for itself (restore.h). So
// each call sets a floor, below which its code finds no scope; what is above at its end is left for
// it, and a line says so. A thread that ends inside a scope gives up the GIL.
#pragma once

#include <optional>
#include <utility>

#include "loader/core/thread/threads.h"

namespace epy {

enum class scope_kind : unsigned char { entered, paused };

struct open_scope {
    const void *name; // the host's epy_scope
    scope_kind kind;
    unsigned python_number; // of the Python that it was opened in
    open_scope *outer;
    std::optional<attachment> python; // if entered
    PyThreadState *state = nullptr;   // to be taken back, if paused
    bool is_left = false;
};

struct open_scopes {
    open_scope *innermost = nullptr;
    open_scope *floor = nullptr; // what the code that runs now has found
};
extern constinit thread_local open_scopes scopes_here [[gnu::tls_model("initial-exec")]];

// Null without memory. Nothing is taken or given away yet.
open_scope *begin_scope(const void *name, scope_kind) noexcept;
open_scope *find_scope(const void *name, scope_kind) noexcept;
// One that has others inside ends with the last of them.
void end_scope(open_scope &) noexcept;

// All above the floor, for a function of the host's that has returned inside of them. Or they are
// made up for: Python has the GIL again.
void leave_scopes_above_floor(bool is_made_up_for) noexcept;
// The same for the innermost one that has taken the GIL, if it is above the floor, and what is
// inside of it.
void leave_scope_with_gil() noexcept;
// The thread goes no further, and has the GIL no more.
void abandon_scopes() noexcept;

// Says, once, that a function of the host's has returned in there; names what runs.
void complain_of_open_scope(scope_kind) noexcept;

// Around the host's code. Not for code that may be unwound at Python's end.
class floor_for_scopes {
public:
    floor_for_scopes() noexcept : outer_(std::exchange(scopes_here.floor, scopes_here.innermost)) {}
    ~floor_for_scopes() {
        if (scopes_here.innermost != scopes_here.floor) [[unlikely]] {
            leave_scopes_above_floor(attachment::holds_gil());
        }
        scopes_here.floor = outer_;
    }
    floor_for_scopes(const floor_for_scopes &) = delete;
    floor_for_scopes &operator=(const floor_for_scopes &) = delete;

private:
    open_scope *const outer_;
};

} // namespace epy
