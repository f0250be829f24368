// One piece of Python work on a thread of its own, for whoever must not wait for the GIL himself,
// or not for ever. It may outlive its waiter.
#pragma once

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "loader/signals_blocked.h"

namespace epy {

// Whether a thread runs code of a script, which has the signals of the thread that makes it.
enum class runs { epys, scripts };

class helper : public std::enable_shared_from_this<helper> {
public:
    static constexpr std::chrono::seconds patience{2};

    explicit helper(std::function<void()> work, runs code = runs::epys)
        : work_(std::move(work)), code_(code) {}

    // False if no thread could be made: the work is not done. May throw std::bad_alloc.
    bool run() {
        auto self = std::make_unique<std::shared_ptr<helper>>(shared_from_this());
        pthread_t thread{};
        std::optional<signals_blocked> quiet;
        if (code_ == runs::epys) {
            quiet.emplace();
        }
        if (pthread_create(&thread, nullptr, &helper::main, self.get()) != 0) {
            return false;
        }
        static_cast<void>(self.release()); // the thread's
        pthread_detach(thread);
        return true;
    }

    // Whether the work is done by then. The work itself is not, and does not wait for itself.
    bool ends_within(std::chrono::milliseconds limit) {
        std::unique_lock guard(mutex_);
        if (has_begun_ && pthread_equal(thread_, pthread_self()) != 0) {
            return is_done_;
        }
        return changed_.wait_for(guard, limit, [this] { return is_done_; });
    }

private:
    static void *main(void *shared) {
        const std::unique_ptr<std::shared_ptr<helper>> self(
            static_cast<std::shared_ptr<helper> *>(shared));
        helper &me = **self;
        me.begin();
        me.work_();
        const std::scoped_lock guard(me.mutex_);
        me.is_done_ = true;
        me.changed_.notify_all();
        return nullptr;
    }

    void begin() {
        const std::scoped_lock guard(mutex_);
        thread_ = pthread_self();
        has_begun_ = true;
    }

    std::function<void()> work_;
    runs code_;
    std::mutex mutex_;
    std::condition_variable changed_;
    pthread_t thread_{};
    bool has_begun_ = false;
    bool is_done_ = false;
};

} // namespace epy
