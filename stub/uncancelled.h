// pthread_cancel, put off while a thread opens the loader, or starts, waits for or unloads a
// plugin: unwound in the middle of that it would leave half a start behind, for which others wait
// for ever, or the dynamic loader's lock. Freestanding.
#pragma once

#include <pthread.h>

namespace epy {

class uncancelled {
public:
    uncancelled() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
    ~uncancelled() { pthread_setcancelstate(before_, nullptr); }
    uncancelled(const uncancelled &) = delete;
    uncancelled &operator=(const uncancelled &) = delete;

private:
    int before_ = PTHREAD_CANCEL_ENABLE;
};

} // namespace epy
