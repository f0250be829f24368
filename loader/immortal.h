// What is made when the library is loaded and never destroyed: threads, and the host's destructors,
// may come while the process exits.
#pragma once

#include <new>

namespace epy {

template <typename T> class immortal {
public:
    immortal() noexcept { new (storage_) T; }
    // For a forked child, which has a copy of a lock that another thread may hold.
    void renew() noexcept { new (storage_) T; }
    T &operator*() noexcept { return *reinterpret_cast<T *>(storage_); }
    T *operator->() noexcept { return &**this; }

private:
    alignas(T) unsigned char storage_[sizeof(T)];
};

} // namespace epy
