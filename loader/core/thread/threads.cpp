#include "loader/core/thread/threads.h"

#include <pthread.h>

#include <ctime>
#include <memory>
#include <new>

namespace epy {

constinit std::atomic<unsigned> attachment::generation{0};
constinit std::atomic<thread_block *> attachment::ended{nullptr};
constinit std::atomic<int> attachment::urgent{0};
constinit thread_local attachment::remembered attachment::mine;

// The destructor of a thread's block: hands it to the next call that holds the GIL.
struct thread_end {
    static void leave(void *argument) {
        auto *block = static_cast<thread_block *>(argument);
        attachment::mine = {}; // a later destructor of this thread may call again
        block->next = attachment::ended.load(std::memory_order_relaxed);
        while (!attachment::ended.compare_exchange_weak(
            block->next, block, std::memory_order_release, std::memory_order_relaxed)) {
        }
    }
};

namespace {

pthread_key_t key() {
    static const pthread_key_t the_key = [] {
        pthread_key_t made{};
        pthread_key_create(&made, thread_end::leave);
        return made;
    }();
    return the_key;
}

// Guarded by the GIL.
unsigned ends = 0;
unsigned process = 0;

// While it is held, Python does not begin to finalize. Nobody waits for the GIL meanwhile.
pthread_mutex_t making_state = PTHREAD_MUTEX_INITIALIZER;

} // namespace

// A state for this thread, which Python has not seen; null if Python finalizes. PyGILState_Ensure
// would crash if that came between the look and the making.
PyThreadState *attachment::make_state(unsigned now) noexcept {
    pthread_mutex_lock(&making_state);
    PyThreadState *made = nullptr;
    if (generation.load(std::memory_order_relaxed) == now) {
        made = PyThreadState_New(PyInterpreterState_Main());
        is_out_of_memory_ = made == nullptr;
    }
    pthread_mutex_unlock(&making_state);
    return made;
}

thread_block &this_thread() {
    thread_block *&block = attachment::mine.block;
    if (block == nullptr) {
        auto made = std::make_unique<thread_block>();
        made->mark = std::make_shared<thread_mark>();
        made->mark->process = process;
        if (pthread_setspecific(key(), made.get()) != 0) {
            throw std::bad_alloc();
        }
        block = made.release();
    }
    return *block;
}

void attachment::remember(PyThreadState *state, unsigned now) {
    mine.state = state;
    mine.generation = now;
}

attachment::attachment() noexcept {
    PyThreadState *const known = known_state();
    if (known == nullptr) {
        attach_unknown_thread();
    } else if (is_present(known)) {
        state_ = known;
    } else {
        take(known);
    }
}

void attachment::attach_unknown_thread() noexcept {
    const unsigned now = generation.load(std::memory_order_acquire);
    if (now == 0) {
        return;
    }
    PyThreadState *known = PyGILState_GetThisThreadState();
    if (known == nullptr) {
        thread_block *block = nullptr; // first: a state cannot be taken back without the GIL
        try {
            block = &this_thread();
        } catch (const std::bad_alloc &) {
            is_out_of_memory_ = true;
            return;
        }
        cancellation_put_off making; // which waits for locks
        making.begin();
        known = make_state(now);
        making.end();
        if (known == nullptr) {
            return;
        }
        block->made_state = known;
        block->generation = now;
        remember(known, now);
        take(known);
        return;
    }
    if (is_present(known)) {
        state_ = known;
    } else {
        take(known);
    }
    if (known->id == 1 && known->interp == PyInterpreterState_Main()) {
        remember(known, now); // the main thread's: it lives as long as Python
    }
}

// With the GIL. Clearing a state runs destructors of Python objects, so that calls may nest.
void attachment::clear_ended_threads() {
    thread_block *block = ended.exchange(nullptr, std::memory_order_acquire);
    while (block != nullptr) {
        thread_block *next = block->next;
        block->mark->ended = true;
        ++ends;
        if (block->made_state != nullptr &&
            block->generation == generation.load(std::memory_order_relaxed)) {
            PyThreadState_Clear(block->made_state);
#if PY_VERSION_HEX >= 0x030c0000
            // Or its end would take this thread's state for PyGILState away, not that of its own
            // thread.
            block->made_state->_status.bound_gilstate = 0;
#endif
            PyThreadState_Delete(block->made_state);
        }
        delete block;
        block = next;
    }
}

bool has_ended(const thread_mark &mark) noexcept { return mark.ended || mark.process != process; }

unsigned ends_of_threads() noexcept { return ends; }

void attachment::make_room() noexcept {
    constexpr timespec a_while = {0, 1'000'000};
    nanosleep(&a_while, nullptr);
}

void stop_attaching() noexcept {
    pthread_mutex_lock(&making_state);
    attachment::generation.store(0, std::memory_order_release);
    pthread_mutex_unlock(&making_state);
}

void start_attaching() noexcept {
    static constinit std::atomic<unsigned> last{0};
    unsigned stopped = 0;
    attachment::generation.compare_exchange_strong(stopped, last.fetch_add(1) + 1);
}

bool is_attaching_stopped() noexcept {
    return attachment::generation.load(std::memory_order_acquire) == 0;
}

void forget_ended_threads() noexcept {
    making_state = PTHREAD_MUTEX_INITIALIZER; // a thread that is gone may have held it
    attachment::ended.store(nullptr, std::memory_order_relaxed);
    ++process;
    ++ends;
    if (attachment::mine.block != nullptr) {
        attachment::mine.block->mark->process = process;
    }
}

} // namespace epy
