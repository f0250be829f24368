#include "threads.h"

#include <pthread.h>

namespace epy {

constinit std::atomic<bool> attachment::usable{false};
constinit std::atomic<thread_block *> attachment::ended{nullptr};
constinit thread_local thread_block *attachment::mine = nullptr;

// The destructor of a thread's block: hands it to the next call that holds the GIL.
struct thread_end {
    static void leave(void *argument) {
        auto *block = static_cast<thread_block *>(argument);
        attachment::mine = nullptr; // a later destructor of this thread may call again
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

} // namespace

thread_block &this_thread() {
    if (attachment::mine == nullptr) {
        attachment::mine = new thread_block;
        pthread_setspecific(key(), attachment::mine);
    }
    return *attachment::mine;
}

void attachment::attach_unknown_thread() {
    PyThreadState *const known = PyGILState_GetThisThreadState();
    PyThreadState *const current = current_state();
    attached_ = true;
    if (known == nullptr) {
#if PY_VERSION_HEX >= 0x030c0000
        if (current != nullptr) {
            suspended_ = PyEval_SaveThread();
        }
#endif
        taken_ = true;
        cancellation_ = put_off_cancellation();
        run_python(
            [] { PyGILState_Ensure(); }); // never released: the state is this thread's from now on
        this_thread().state = PyThreadState_Get();
        if (ended.load(std::memory_order_relaxed) != nullptr) {
            clear_ended_threads();
        }
    } else if (current != known) {
        take(known, current);
    }
}

// With the GIL. Clearing a state runs destructors of Python objects, so that calls may nest.
void attachment::clear_ended_threads() {
    thread_block *block = ended.exchange(nullptr, std::memory_order_acquire);
    while (block != nullptr) {
        thread_block *next = block->next;
        if (block->state != nullptr && !block->outlives_thread) {
            PyThreadState_Clear(block->state);
            PyThreadState_Delete(block->state);
        }
        delete block;
        block = next;
    }
}

void adopt_main_state() {
    thread_block &block = this_thread();
    block.state = PyThreadState_Get();
    block.outlives_thread = true;
}

void stop_attaching() noexcept { attachment::usable.store(false, std::memory_order_release); }

void start_attaching() noexcept { attachment::usable.store(true, std::memory_order_release); }

bool is_attaching_stopped() noexcept { return !attachment::usable.load(std::memory_order_acquire); }

void forget_ended_threads() noexcept {
    attachment::ended.store(nullptr, std::memory_order_relaxed);
}

} // namespace epy
