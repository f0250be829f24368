// Sub-interpreters whose scripts use epy, and calls of the callbacks made there: the host's, whose
// scripts import it, and those that plugins have for themselves (plugin/own_interpreter.h).
//
// Other plugins run in the main interpreter. A callback that a script makes in another one runs in
// that one, whichever is current where C calls it, and whether they share a GIL or not. In one of
// the host's a thread gets a state for one call: the host ends it when it likes, and Python ends
// none in which a thread has left a state. In a plugin's own a thread keeps its state
// (kept_state.h), which epy clears before it ends the interpreter. The end waits for calls that are
// under way.
#pragma once

#include <atomic>

#include "loader/core/cpython.h"
#include "loader/core/dropped_records.h"
#include "loader/core/thread/cancellation.h"
#include "loader/core/thread/context.h"
#include "loader/core/thread/kept_state.h"
#include "loader/core/thread/state_change.h"

namespace epy {

struct plugin; // the loader's

// Lives for ever, and stands for another interpreter once its own has ended: records of callbacks
// refer to it.
class sub_interpreter {
public:
    // Of the interpreter that is current. May throw std::bad_alloc.
    static sub_interpreter *of_current();

    ~sub_interpreter() = delete;
    sub_interpreter(const sub_interpreter &) = delete;
    sub_interpreter &operator=(const sub_interpreter &) = delete;

    // From now on no call begins. Waits, at most two seconds and without the GIL, for those that
    // are under way. With its GIL.
    void end() noexcept;
    // Before `end`: Python ends, and this with it.
    void note_end_of_python() noexcept { ended_with_python_ = true; }
    [[nodiscard]] bool has_ended_with_python() const noexcept { return ended_with_python_; }
    // The same as `end` at its very end, where nobody can be waited for: from here on this may
    // stand for another one.
    void forget() noexcept { calls_.fetch_or(ended | free); }

    // That of a plugin which has one for itself, or null; after `take` it is nobody's.
    static sub_interpreter *of_plugin(const plugin *) noexcept;
    static sub_interpreter *take_of_plugin(plugin *) noexcept;
    // Those that plugins have for themselves, one after the other: the next after `last`, the first
    // after null; null after the last.
    static sub_interpreter *next_of_plugins(const sub_interpreter *last) noexcept;
    // Those that have not ended, likewise.
    static sub_interpreter *next_alive(const sub_interpreter *last) noexcept;
    // `path` stays as long as the plugin does.
    void give_to(plugin *handle, const char *path) noexcept {
        path_ = path;
        owner_ = handle;
    }
    [[nodiscard]] plugin *owner() const noexcept { return owner_; }
    [[nodiscard]] const char *path() const noexcept { return path_; }

    dropped_records dropped; // of callbacks that were made in it

    // A state of this thread's in it; null without memory.
    [[nodiscard]] PyThreadState *new_state() const noexcept { return cpython::new_state(state_); }

private:
    friend class sub_attachment;
    static constexpr unsigned ended = 1;
    static constexpr unsigned free = 2;
    static constexpr unsigned call = 4;

    sub_interpreter() = default;

    [[nodiscard]] bool begin_call() noexcept {
        if ((calls_.fetch_add(call) & ended) == 0) {
            return true;
        }
        end_call();
        return false;
    }
    // In a forked child: no call begins in those whose own GIL a thread has that is gone.
    static void leave_taken() noexcept;
    void end_call() noexcept { calls_.fetch_sub(call); }

    std::atomic<unsigned> calls_{ended | free};
    PyInterpreterState *state_ = nullptr;
    std::atomic<plugin *> owner_{nullptr};
    const char *path_ = nullptr; // of the owner
    std::atomic<bool> ended_with_python_{false};
    kept_states kept_; // while it has an owner
    sub_interpreter *made_before_ = nullptr;
};

// Holds the GIL of a sub-interpreter with a state of this thread's in it, for a scope.
class sub_attachment {
public:
    explicit sub_attachment(sub_interpreter &) noexcept;
    ~sub_attachment();
    sub_attachment(const sub_attachment &) = delete;
    sub_attachment &operator=(const sub_attachment &) = delete;

    // False if the interpreter has ended, or there is no memory.
    explicit operator bool() const noexcept { return state_ != nullptr; }
    [[nodiscard]] bool is_out_of_memory() const noexcept { return is_out_of_memory_; }
    [[nodiscard]] PyThreadState *state() const noexcept { return state_; }

    // How this thread had a GIL before.
    [[nodiscard]] found_gil found() const noexcept {
        return way_ != way::was_current ? change_.found()
               : state_ != nullptr      ? found_gil::held
                                        : found_gil::free;
    }

private:
    sub_interpreter &interpreter_;
    PyThreadState *state_ = nullptr;
    state_change change_;               // unless `was_current`
    cancellation_put_off cancellation_; // unless `was_current`
    enum class way : unsigned char {
        was_current, // or there is none
        made,        // for this scope
        kept         // from one call to the next
    };
    way way_ = way::was_current;
    bool is_out_of_memory_ = false;
};

} // namespace epy
