#include "loader/core/thread/threads.h"

#include <pthread.h>

#include <cstddef>
#include <ctime>
#include <memory>
#include <new>
#include <utility>

#include "loader/core/thread/gilstate.h"
#include "loader/thread_key.h"

namespace epy {

constinit std::atomic<unsigned> attachment::generation{0};
constinit std::atomic<thread_block *> attachment::ended{nullptr};
constinit std::atomic<int> attachment::unusual_ends{0};
constinit std::atomic<bool (*)()> attachment::keeps_gil{nullptr};
constinit thread_local attachment::remembered attachment::mine;

// The destructor of a thread's block: hands it to the next call that holds the GIL.
struct thread_end {
    static void leave(void *argument) {
        auto *block = static_cast<thread_block *>(argument);
        lead_ensure_nowhere_from(block->made_state);
        // What is known of it here: PyGILState_Ensure leads nowhere any more.
        const PyThreadState *const current = attachment::current_state();
        look_for_jump_at_end(current != nullptr &&
                             (current == block->made_state || current == attachment::mine.state));
        block->is_inside = false;
        const unsigned main_of = attachment::mine.main_of;
        attachment::mine = {}; // a later destructor of this thread may call again
        attachment::mine.main_of = main_of;
        block->next_ended = attachment::ended.load(std::memory_order_relaxed);
        while (!attachment::ended.compare_exchange_weak(
            block->next_ended, block, std::memory_order_release, std::memory_order_relaxed)) {
        }
    }
};

namespace {

// Made when Python starts, before most hosts make theirs: a thread's destructors run in the order
// of the keys, and when one of the host's calls, Python's own key, which is older, no longer leads
// to the state that this thread had. Then it needs a new one.
const thread_key &key() noexcept {
    static const thread_key the_key(thread_end::leave);
    return the_key;
}

// That of Python's main thread lives as long as Python: the thread may end before, and its number
// (pthread_t) is another thread's then.
struct {
    std::atomic<unsigned> generation{0};
    PyThreadState *state = nullptr;
} main_thread;

// What a state says without the GIL: the end of Python may free it meanwhile. It is true if Python
// has not begun to end by then.
struct state_glimpse {
    [[gnu::no_sanitize("address",
                       "thread")]] explicit state_glimpse(const PyThreadState *state) noexcept
        : interpreter(__atomic_load_n(&state->interp, __ATOMIC_ACQUIRE)),
          is_main_threads(cpython::is_main_threads(state)) {}

    const PyInterpreterState *interpreter;
    bool is_main_threads;
};

std::atomic<unsigned> ends = 0;

// While it is held, Python does not begin to finalize. Nobody waits for the GIL meanwhile.
pthread_mutex_t making_state = PTHREAD_MUTEX_INITIALIZER;

} // namespace

// A state for this thread, which Python has not seen; null if Python finalizes. PyGILState_Ensure
// would crash if that came between the look and the making.
PyThreadState *attachment::make_state(unsigned now) noexcept {
    pthread_mutex_lock(&making_state);
    PyThreadState *made = nullptr;
    if (generation.load(std::memory_order_relaxed) == now && !cpython::is_finalizing()) {
        made = cpython::new_state(PyInterpreterState_Main());
        is_out_of_memory_ = made == nullptr;
    }
    pthread_mutex_unlock(&making_state);
    return made;
}

thread_block &this_thread() {
    thread_block *&block = attachment::mine.block;
    if (block == nullptr) {
        std::unique_ptr<thread_block> made = make_block();
        if (!key().set(made.get())) {
            throw std::bad_alloc();
        }
        block = made.release();
        make_known(block);
    }
    return *block;
}

// From now on the end of this thread, which may be the host's, is seen, and the end of Python waits
// for its calls. False without memory.
static bool follow_this_thread() noexcept {
    try {
        this_thread();
        return true;
    } catch (const std::bad_alloc &) {
        return false;
    }
}

// Not in the scope of a change: PyGILState_Ensure leads to the state for that scope only.
void attachment::remember(PyThreadState *state, unsigned now) noexcept {
    if (!state_change::has_begun() && follow_this_thread()) {
        mine.state = state;
        mine.generation = now;
        if (state == main_thread.state) {
            mine.main_of = now;
        }
    }
}

void find_main_thread() noexcept {
    PyThreadState *state = PyInterpreterState_ThreadHead(PyInterpreterState_Main());
    while (state != nullptr && !cpython::is_main_threads(state)) {
        state = PyThreadState_Next(state);
    }
    if (state != nullptr) {
        main_thread.state = state;
        main_thread.generation = attachment::generation.load();
        if (is_what_ensure_leads_to(state)) {
            attachment::remember(state, main_thread.generation);
        } else if (cpython::is_of_this_thread(state)) { // with a sub-interpreter's, since 3.12
            attachment::mine.main_of = main_thread.generation;
        }
    }
}

// What is not the usual: this thread is new, or holds the GIL with a state that is not known.
void attachment::attach_in_place_of(PyThreadState *known, PyThreadState *current) noexcept {
    const unsigned now = generation.load(std::memory_order_acquire);
    if (now == 0) {
        return;
    }
    if (current != nullptr && !is_of_this_thread(current)) {
        current = nullptr;
    }
    if (current != nullptr && current->interp == PyInterpreterState_Main()) {
        state_ = current;
        if (cpython::is_main_threads(current)) {
            remember(current, now);
        }
        return;
    }
    is_out_of_memory_ = !follow_this_thread();
    if (is_out_of_memory_) {
        return;
    }
    PyThreadState *const own = known == nullptr ? own_state(now) : known;
    if (own == nullptr) {
        return;
    }
    if (current == nullptr && is_what_ensure_leads_to(own)) {
        take(own, now);
    } else if (enter(now)) {
        change(current, own);
    }
}

// Where a variable leads PyGILState_Ensure, it leads to what this thread had in a Python that has
// ended. The main thread's state has the same place in the next one.
void attachment::leave_last_python(unsigned now) noexcept {
    PyThreadState *const first = PyGILState_GetThisThreadState();
    const bool was_ours =
        (first == mine.state && mine.generation != now) ||
        (mine.block != nullptr && first == mine.block->made_state && mine.block->generation != now);
    if (first != nullptr && was_ours &&
        !(state_glimpse(first).is_main_threads && cpython::is_of_this_thread(first))) {
        lead_ensure_nowhere_from(first);
    }
}

// This thread's state in the main interpreter. Null if Python finalizes or there is no memory.
PyThreadState *attachment::own_state(unsigned now) noexcept {
    if constexpr (cpython::has_gilstate_variable) {
        leave_last_python(now);
    }
    PyThreadState *const first = PyGILState_GetThisThreadState();
    if (first != nullptr) {
        const state_glimpse seen(first);
        if (generation.load(std::memory_order_relaxed) != now) {
            return nullptr; // and what was seen may be of memory that Python has freed
        }
        if (seen.interpreter == PyInterpreterState_Main()) {
            if (seen.is_main_threads) {
                remember(first, now);
            }
            return first;
        }
    }
    thread_block *const block = mine.block;
    const bool is_new = block->made_state == nullptr || block->generation != now;
    if (main_thread.generation == now &&
        (mine.main_of == now || (is_new && cpython::is_of_this_thread(main_thread.state)))) {
        mine.main_of = now;
        return main_thread.state;
    }
    if (is_new) {
        cancellation_put_off making; // which waits for locks
        making.begin();
        PyThreadState *const made = make_state(now);
        making.end();
        if (made == nullptr) {
            return nullptr;
        }
        block->made_state = made;
        block->generation = now;
    }
    if (PyGILState_GetThisThreadState() == nullptr) { // the host has deleted the first one
        lead_ensure_to(block->made_state);
    }
    if (is_what_ensure_leads_to(block->made_state)) {
        remember(block->made_state, now);
    }
    return block->made_state;
}

// `current` is another interpreter's, or null: then it is PyGILState_Ensure that leads there.
void attachment::change(PyThreadState *current, PyThreadState *own) noexcept {
    state_ = own;
    way_ = way::changed;
    cancellation_.begin();
    change_.begin(current, own, PyGILState_GetThisThreadState());
    if (ended.load(std::memory_order_relaxed) != nullptr) {
        clear_ended_threads();
    }
}

bool attachment::attach_for_host() noexcept {
    PyThreadState *state = PyGILState_GetThisThreadState();
    if (state == nullptr) {
        state = cpython::new_state(PyInterpreterState_Main());
    }
    if (state == nullptr) {
        return false;
    }
    if (mine.block != nullptr && mine.block->made_state == state) {
        mine.block->made_state = nullptr;
    }
    mine.state = nullptr; // the host may free it
    mine.generation = UINT_MAX;
    if (!holds_gil()) {
        PyEval_RestoreThread(state);
    }
    return true;
}

// With the GIL. Clearing a state runs destructors of Python objects, so that calls may nest.
void attachment::clear_ended_threads() {
    thread_block *block = ended.exchange(nullptr, std::memory_order_acquire);
    while (block != nullptr) {
        thread_block *next = block->next_ended;
        block->mark->ended = true;
        ++ends;
        if (block->made_state != nullptr &&
            block->generation == generation.load(std::memory_order_relaxed)) {
            PyThreadState_Clear(block->made_state);
            cpython::unbind_from_ensure(block->made_state);
            PyThreadState_Delete(block->made_state);
        }
        make_unknown(block);
        delete block;
        block = next;
    }
}

unsigned ends_of_threads() noexcept { return ends; }

void attachment::ask_before_end(bool (*keeps)()) noexcept {
    if (keeps_gil.exchange(keeps) == nullptr) {
        unusual_ends.fetch_add(1);
    }
}

void attachment::end_unusually() noexcept {
    constexpr timespec a_while = {0, 1'000'000};
    bool (*const keeps)() = keeps_gil.load();
    if (keeps != nullptr && keeps()) {
        return;
    }
    PyEval_SaveThread();
    if (unusual_ends.load() > (keeps == nullptr ? 0 : 1)) {
        nanosleep(&a_while, nullptr); // make room for whoever it is urgent for
    }
}

void stop_attaching() noexcept {
    pthread_mutex_lock(&making_state);
    attachment::generation.store(0, std::memory_order_release);
    pthread_mutex_unlock(&making_state);
}

void start_attaching() noexcept {
    static constinit std::atomic<unsigned> last{0};
    unsigned stopped = 0;
    key();
    if (is_attaching_stopped()) {
        forget_who_is_inside();
    }
    attachment::generation.compare_exchange_strong(stopped, last.fetch_add(1) + 1);
}

unsigned number_of_python() noexcept { return attachment::generation; }

bool is_attaching_stopped() noexcept {
    return attachment::generation.load(std::memory_order_acquire) == 0;
}

void forget_ended_threads() noexcept {
    making_state = PTHREAD_MUTEX_INITIALIZER; // a thread that is gone may have held it
    if (attachment::mine.main_of != main_thread.generation) {
        main_thread.generation = 0; // which is no Python's
    }
    attachment::ended.store(nullptr, std::memory_order_relaxed);
    ++ends;
    forget_other_threads(attachment::mine.block);
}

} // namespace epy
