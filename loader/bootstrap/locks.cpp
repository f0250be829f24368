#include "loader/bootstrap/locks.h"

#include <pthread.h>

#include "loader/bootstrap/lineage.h"
#include "loader/bootstrap/start.h"
#include "loader/immortal.h"

namespace epy {

namespace {

immortal<std::mutex> the_start_lock;
immortal<std::condition_variable> the_start_changed;
immortal<std::mutex> the_image_lock;
immortal<std::mutex> the_host_lock;

// fork copies the locks as they are, and only the forking thread: so it holds them while it forks.
[[gnu::constructor]] void arrange_fork() {
    pthread_atfork(
        [] {
            (*the_start_lock).lock();
            (*the_image_lock).lock();
            (*the_host_lock).lock();
            remember_parent();
        },
        [] {
            (*the_host_lock).unlock();
            (*the_image_lock).unlock();
            (*the_start_lock).unlock();
        },
        [] {
            the_start_lock.renew();
            the_start_changed.renew();
            the_image_lock.renew();
            the_host_lock.renew();
            become_child();
            start::forget_other_threads();
        });
}

} // namespace

std::mutex &start_lock() noexcept { return *the_start_lock; }

std::condition_variable &start_changed() noexcept { return *the_start_changed; }

std::mutex &image_lock() noexcept { return *the_image_lock; }

std::mutex &host_lock() noexcept { return *the_host_lock; }

} // namespace epy
