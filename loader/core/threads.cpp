#include "threads.h"

#include <pthread.h>

#include <atomic>

namespace epy {

namespace {

std::atomic<bool> usable{false};

thread_local thread_block *mine [[gnu::tls_model("initial-exec")]] = nullptr;

// Blocks of threads that have ended.
std::atomic<thread_block *> ended{nullptr};

pthread_key_t key() {
    static const pthread_key_t the_key = [] {
        pthread_key_t made{};
        pthread_key_create(&made, [](void *argument) {
            auto *block = static_cast<thread_block *>(argument);
            mine = nullptr; // a later destructor of this thread may call again
            block->next = ended.load(std::memory_order_relaxed);
            while (!ended.compare_exchange_weak(block->next, block, std::memory_order_release,
                                                std::memory_order_relaxed)) {
            }
        });
        return made;
    }();
    return the_key;
}

// With the GIL. Clearing a state runs destructors of Python objects, so that calls may nest.
void clear_ended_threads() {
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

PyThreadState *current_state() noexcept {
#if PY_VERSION_HEX >= 0x030d0000
    return PyThreadState_GetUnchecked();
#else
    return _PyThreadState_UncheckedGet();
#endif
}

} // namespace

thread_block &this_thread() {
    if (mine == nullptr) {
        mine = new thread_block;
        pthread_setspecific(key(), mine);
    }
    return *mine;
}

attachment::attachment() {
    if (!usable.load(std::memory_order_acquire)) {
        return;
    }
    PyThreadState *own = mine == nullptr ? nullptr : mine->state;
    if (own == nullptr) {
        own = PyGILState_GetThisThreadState();
    }
    PyThreadState *const current = current_state();
    if (own != nullptr && current == own) {
        attached_ = true; // a call from Python code that holds the GIL
        return;
    }
#if PY_VERSION_HEX >= 0x030c0000
    // Since 3.12 the current state is this thread's: one of another interpreter.
    if (current != nullptr) {
        suspended_ = PyEval_SaveThread();
    }
#endif
    taken_ = true;
    if (own != nullptr) {
        PyEval_RestoreThread(own);
    } else {
        PyGILState_Ensure(); // never released: the state is this thread's from now on
        this_thread().state = PyThreadState_Get();
    }
    attached_ = true;
    if (ended.load(std::memory_order_relaxed) != nullptr) {
        clear_ended_threads();
    }
}

attachment::~attachment() {
    if (taken_) {
        PyEval_SaveThread();
    }
    if (suspended_ != nullptr) {
        PyEval_RestoreThread(suspended_);
    }
}

void adopt_main_state() {
    thread_block &block = this_thread();
    block.state = PyThreadState_Get();
    block.outlives_thread = true;
}

void stop_attaching() noexcept { usable.store(false, std::memory_order_release); }

void start_attaching() noexcept { usable.store(true, std::memory_order_release); }

bool is_attaching_stopped() noexcept { return !usable.load(std::memory_order_acquire); }

void forget_ended_threads() noexcept { ended.store(nullptr, std::memory_order_relaxed); }

} // namespace epy
