#include "loader/core/thread/thread_block.h"

#include <pthread.h>

#include <utility>

namespace epy {

namespace {

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
thread_block *first = nullptr; // guarded by it
std::atomic<unsigned> process = 0;

void put_first(thread_block *block) noexcept {
    block->next_known = std::exchange(first, block);
    block->known_at = &first;
    if (block->next_known != nullptr) {
        block->next_known->known_at = &block->next_known;
    }
}

} // namespace

std::unique_ptr<thread_block> make_block() {
    auto made = std::make_unique<thread_block>();
    made->mark = std::make_shared<thread_mark>();
    made->mark->process = process.load();
    return made;
}

bool has_ended(const thread_mark &mark) noexcept { return mark.ended || mark.process != process; }

void make_known(thread_block *block) noexcept {
    pthread_mutex_lock(&lock);
    put_first(block);
    pthread_mutex_unlock(&lock);
}

void make_unknown(const thread_block *block) noexcept {
    pthread_mutex_lock(&lock);
    *block->known_at = block->next_known;
    if (block->next_known != nullptr) {
        block->next_known->known_at = block->known_at;
    }
    pthread_mutex_unlock(&lock);
}

bool is_another_inside(const thread_block *own) noexcept {
    pthread_mutex_lock(&lock);
    const thread_block *one = first;
    while (one != nullptr && (one == own || !one->is_inside.load(std::memory_order_acquire))) {
        one = one->next_known;
    }
    pthread_mutex_unlock(&lock);
    return one != nullptr;
}

void forget_who_is_inside() noexcept {
    pthread_mutex_lock(&lock);
    for (thread_block *one = first; one != nullptr; one = one->next_known) {
        one->is_inside = false;
    }
    pthread_mutex_unlock(&lock);
}

void forget_other_threads(thread_block *own) noexcept {
    lock = PTHREAD_MUTEX_INITIALIZER; // a thread that is gone may have held it
    first = nullptr;
    ++process;
    if (own != nullptr) {
        own->mark->process = process.load();
        put_first(own);
    }
}

} // namespace epy
