// pthread_cancel, put off while a thread is inside Python.
//
// Cancellation unwinds a thread that waits. It may strike while Python waits for the GIL with a
// lock of its own held, or inside a script that holds others, which nobody would ever release. So
// it waits until the call into Python is over. Putting it off and on again costs two atomic
// operations, as much as a whole conversion, and hardly any program ever cancels a thread: it is
// done only in processes where something refers to pthread_cancel. Which libraries there are is
// looked up on a thread's first call, and again at times; a library found later than the call that
// it interrupts is the limit of this, and so is one that gets pthread_cancel from dlsym.
#pragma once

#include <pthread.h>

#include <atomic>

namespace epy {

class cancellation_put_off {
public:
    void begin() noexcept {
        if (--calls_to_next_look == 0) [[unlikely]] {
            look();
        }
        if (somebody_cancels.load(std::memory_order_relaxed)) [[unlikely]] {
            pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_);
        }
    }
    void end() const noexcept {
        if (before_ == PTHREAD_CANCEL_ENABLE) [[unlikely]] {
            pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
        }
    }

private:
    static void look() noexcept;

    static std::atomic<bool> somebody_cancels;
    static constinit thread_local unsigned calls_to_next_look [[gnu::tls_model("initial-exec")]];

    int before_ = PTHREAD_CANCEL_DISABLE;
};

} // namespace epy
