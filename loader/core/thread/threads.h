// Host threads and the GIL.
//
// A thread that Python has not seen gets a thread state on its first call, and keeps it: making one
// costs fifty calls. Only such states, and that of Python's main thread, are remembered per thread,
// because nobody frees them before Python ends; others that Python or the host made are looked up
// at each call. A Python that is started again is another generation.
//
// CPython ends a thread that waits for the GIL while Python is finalized, if the thread looks in
// time: one that gets no processor until Python is initialized again goes on with a state that was
// freed. So the end waits for calls that have begun (wait_for_calls_inside). A call marks its
// thread before it looks whether Python ends. The mark is a plain store, as each call pays for it;
// the end makes it seen (membarrier(2)).
//
// When a thread ends, nothing takes the GIL, because the host may be joining the thread while it
// holds it. The state goes on a list, which the next call that holds the GIL clears.
//
// Sub-interpreters are the host's: plugins run in the main interpreter, whichever is current where
// the host calls. A thread whose current state is another interpreter's changes to one of the main
// interpreter's, and back afterwards. On 3.11 this changes the state with the GIL in hand and waits
// for nothing; from 3.12 on every change of state, the host's too, is a release and a taking.
// PyGILState_Ensure has to lead to the plugin's state meanwhile, for callbacks that ctypes makes:
// gilstate.h.
#pragma once

#include <atomic>
#include <climits>
#include <utility>

#include "loader/core/cpython.h"
#include "loader/core/thread/cancellation.h"
#include "loader/core/thread/context.h"
#include "loader/core/thread/state_change.h"
#include "loader/core/thread/thread_block.h"
#include "loader/core/thread/unwinding.h"
#include "loader/current_state.h"

namespace epy {

// Holds the GIL with this thread's state for a scope.
class attachment {
public:
    // The state that is remembered for this thread and that PyGILState_Ensure leads to, or null.
    [[nodiscard]] static PyThreadState *known_state() noexcept {
        return mine.generation == generation.load(std::memory_order_acquire) &&
                       cpython::is_bound_to_ensure(mine.state)
                   ? mine.state
                   : nullptr;
    }

    // What runs with the GIL: from 3.12 on only on this thread, before that on any.
    static PyThreadState *current_state() noexcept { return cpython::current_state(); }

    // Whether this thread holds the GIL.
    [[nodiscard]] static bool holds_gil() noexcept { return is_of_this_thread(current_state()); }

    // This thread gets the GIL for good, with a state that is the host's from now on. False without
    // memory for one.
    [[nodiscard]] static bool attach_for_host() noexcept;

    // From now on `keeps` is asked at the end of each attachment that has taken the GIL.
    static void ask_before_end(bool (*keeps)()) noexcept;

    // False if the GIL is free or this thread's: an attachment will not wait.
    [[nodiscard]] static bool may_be_taken() noexcept {
        PyThreadState *const current = current_state();
        return cpython::current_state_is_the_threads
                   ? current == nullptr // nothing tells of other threads
                   : current != nullptr && !is_of_this_thread(current);
    }

    // May not return: a Python that finalizes ends or parks the thread.
    attachment() noexcept : attachment(known_state(), current_state()) {}
    // Of a thread that is known, and has no current state.
    [[gnu::always_inline]] explicit attachment(PyThreadState *known) noexcept {
        take(known, mine.generation);
    }
    // The same where they were looked up.
    attachment(PyThreadState *known, PyThreadState *current) noexcept {
        if (current == nullptr && known != nullptr) [[likely]] {
            take(known, mine.generation);
        } else {
            attach_in_place_of(known, current);
        }
    }
    ~attachment() {
        if (way_ == way::taken) [[likely]] {
            if (unusual_ends.load(std::memory_order_relaxed) == 0) [[likely]] {
                PyEval_SaveThread();
            } else {
                end_unusually();
            }
            leave();
            cancellation_.end();
        } else if (way_ == way::changed) [[unlikely]] {
            change_.end(false);
            leave();
            cancellation_.end();
        }
    }
    attachment(const attachment &) = delete;
    attachment &operator=(const attachment &) = delete;

    // False if there is no Python (any more), or no memory: no Python work is possible.
    explicit operator bool() const noexcept { return state_ != nullptr; }

    // Of one that is false.
    [[nodiscard]] bool is_out_of_memory() const noexcept { return is_out_of_memory_; }

    [[nodiscard]] PyThreadState *state() const noexcept { return state_; }

    [[nodiscard]] bool has_taken_gil() const noexcept { return way_ != way::none; }

    // The thread goes no further, or Python is gone: nothing is given back.
    void abandon() noexcept {
        if (std::exchange(way_, way::none) != way::none) {
            leave();
        }
    }

    // How this thread had the GIL before.
    [[nodiscard]] found_gil found() const noexcept {
        return way_ == way::changed                     ? change_.found()
               : state_ != nullptr && way_ == way::none ? found_gil::held
                                                        : found_gil::free;
    }

private:
    enum class way : unsigned char {
        none,   // no Python, or the GIL was this thread's already
        taken,  // the GIL was not this thread's
        changed // another interpreter's state was this thread's, or what PyGILState_Ensure led to
    };

    static bool is_of_this_thread(const PyThreadState *current) noexcept {
        if constexpr (cpython::current_state_is_the_threads) {
            return current != nullptr;
        }
        return is_current_here(current, PyGILState_GetThisThreadState(),
                               [] { return static_cast<const void *>(current_state()); });
    }

    void attach_in_place_of(PyThreadState *known, PyThreadState *current) noexcept;
    static void leave_last_python(unsigned now) noexcept;
    PyThreadState *own_state(unsigned now) noexcept;
    PyThreadState *make_state(unsigned now) noexcept;
    void change(PyThreadState *current, PyThreadState *own) noexcept;

    // Of a thread with a block. False if `now` is not the Python that runs.
    bool enter(unsigned now) noexcept {
        std::atomic<bool> &is_inside = mine.block->is_inside;
        was_inside_ = is_inside.load(std::memory_order_relaxed);
        is_inside.store(true, std::memory_order_release);
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (generation.load(std::memory_order_acquire) == now) [[likely]] {
            return true;
        }
        leave();
        return false;
    }
    void leave() noexcept {
        if (mine.block != nullptr) [[likely]] { // not so if this thread is at its end
            mine.block->is_inside.store(was_inside_, std::memory_order_release);
        }
    }

    [[gnu::always_inline]] void take(PyThreadState *own, unsigned now) noexcept {
        if (!enter(now)) [[unlikely]] {
            return;
        }
        state_ = own;
        way_ = way::taken;
        cancellation_.begin();
        run_python([own] { PyEval_RestoreThread(own); });
        if (ended.load(std::memory_order_relaxed) != nullptr) [[unlikely]] {
            clear_ended_threads();
        }
    }

    static void clear_ended_threads();
    static void end_unusually() noexcept;

    // Python can be used: the core is imported and nothing finalizes. Otherwise 0.
    static std::atomic<unsigned> generation;
    // Blocks of threads that have ended.
    static std::atomic<thread_block *> ended;
    // How many urgencies there are, and one if somebody is asked whether the GIL stays taken.
    static std::atomic<int> unusual_ends;
    static std::atomic<bool (*)()> keeps_gil;

    struct remembered {
        PyThreadState *state = nullptr;
        unsigned generation = UINT_MAX; // never that of a Python
        thread_block *block = nullptr;
        unsigned main_of = UINT_MAX; // whose main thread this is: stays when its block is gone
    };
    static constinit thread_local remembered mine [[gnu::tls_model("initial-exec")]];
    static void remember(PyThreadState *, unsigned now) noexcept;

    friend thread_block &this_thread();
    friend void stop_attaching() noexcept;
    friend bool is_attaching_stopped() noexcept;
    friend void start_attaching() noexcept;
    friend unsigned number_of_python() noexcept;
    friend void wait_for_calls_inside() noexcept;
    friend void forget_ended_threads() noexcept;
    friend void find_main_thread() noexcept;
    friend struct thread_end;
    friend class urgency;

    PyThreadState *state_ = nullptr;
    state_change change_;               // if `changed`
    cancellation_put_off cancellation_; // unless `none`
    way way_ = way::none;
    bool was_inside_ = false; // unless `none`
    bool is_out_of_memory_ = false;
};

// While one exists, calls that are over make room for whoever waits for the GIL. CPython lets a
// thread that comes again at once overtake those that wait, for seconds if several do: too long for
// an unload or an exit, which wait with a limit.
class urgency {
public:
    urgency() noexcept { attachment::unusual_ends.fetch_add(1, std::memory_order_relaxed); }
    ~urgency() { attachment::unusual_ends.fetch_sub(1, std::memory_order_relaxed); }
    urgency(const urgency &) = delete;
    urgency &operator=(const urgency &) = delete;
};

// Takes an exception that is set out of sight for a scope: Python code must not run with one. With
// the GIL.
class exception_set_aside {
public:
    exception_set_aside() noexcept { PyErr_Fetch(&kind_, &value_, &traceback_); }
    ~exception_set_aside() { PyErr_Restore(kind_, value_, traceback_); }
    exception_set_aside(const exception_set_aside &) = delete;
    exception_set_aside &operator=(const exception_set_aside &) = delete;

    // Its class, borrowed.
    [[nodiscard]] PyObject *kind() const noexcept { return kind_; }

private:
    PyObject *kind_ = nullptr;
    PyObject *value_ = nullptr;
    PyObject *traceback_ = nullptr;
};

// The block of the calling thread. Only inside an attachment. May throw std::bad_alloc.
thread_block &this_thread();

// How often it became known of a thread that it has ended.
unsigned ends_of_threads() noexcept;

// Python is being finalized, or the core's module dies: no attachment succeeds any more.
void stop_attaching() noexcept;
bool is_attaching_stopped() noexcept;
void start_attaching() noexcept;
// After stop_attaching: no attachment of another thread's is under way, or a second has passed, as
// one may be in a function that does not return. With the GIL, which it leaves meanwhile.
void wait_for_calls_inside() noexcept;
// Says, once, that a call finds no Python because it is, or was, finalized: the loader's.
extern void (*complain_of_end)(const char *label) noexcept;
// Whether this thread goes on after a Python that ends now: others of Python's do not come back.
bool outlives_python() noexcept;
// Both: `label` was called on this thread, and returns its error value.
void refuse_for_end(const char *label) noexcept;
// Which Python of this process runs: it is never the same for two.
unsigned number_of_python() noexcept;

// Keeps the state of Python's main thread in mind, for calls that come on it in a
// sub-interpreter's. With the GIL and the main interpreter; after start_attaching.
void find_main_thread() noexcept;

// A forked child: states of other threads are gone already.
void forget_ended_threads() noexcept;

} // namespace epy
