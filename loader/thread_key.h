// A value of each thread's, whose end is called when the thread ends. A process has but so many of
// them: where all are taken there is none, and nothing that somebody else's leads to.
#pragma once

#include <pthread.h>

namespace epy {

// Lives for ever: threads end until the process does.
class thread_key {
public:
    explicit thread_key(void (*end)(void *)) noexcept
        : is_made_(pthread_key_create(&key_, end) == 0) {}

    [[nodiscard]] void *get() const noexcept {
        return is_made_ ? pthread_getspecific(key_) : nullptr;
    }
    // False without a key, or memory.
    [[nodiscard]] bool set(const void *value) const noexcept {
        return is_made_ && pthread_setspecific(key_, value) == 0;
    }

private:
    pthread_key_t key_{};
    bool is_made_;
};

} // namespace epy
