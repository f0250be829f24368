// How a plugin ends: the host closes it, its image goes, the core drops the script, and what a call
// may still look at is deleted last.
#include <memory>
#include <utility>

#include "loader/bootstrap/helper.h"
#include "loader/bootstrap/locks.h"
#include "loader/bootstrap/log_sinks.h"
#include "loader/bootstrap/plugin.h"

namespace epy {

namespace {

// Dead plugins whose memory a call that is just returning may still look at.
constexpr std::size_t graveyard_size = 64;
plugin *first_buried = nullptr;
plugin *last_buried = nullptr;
std::size_t buried = 0;

} // namespace

bool plugin::mark_dead() noexcept {
    const std::scoped_lock guard(image_lock());
    dead_ = true;
    return open_;
}

void plugin::release_for_core() noexcept {
    if (core_has_it_.exchange(false)) {
        release();
    }
}

bool plugin::retire(const std::shared_ptr<helper> &unloads) noexcept {
    const std::scoped_lock guard(image_lock());
    const bool has_script = open_ && !dead_;
    close_slots();
    dead_ = true;
    if (has_script) {
        unloading_ = unloads;
    }
    return has_script;
}

std::shared_ptr<helper> plugin::unloading() noexcept {
    const std::scoped_lock guard(image_lock());
    return unloading_;
}

void plugin::leave_image() noexcept {
    forget_sink(this);
    if (references_.load(std::memory_order_acquire) > 1) {
        kept_ = keep_mapped(info_);
    }
    if (!kept_) {
        forget_image();
    }
    release();
}

void plugin::release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) {
        return;
    }
    if (!kept_) {
        bury();
        return;
    }
    try {
        std::make_shared<helper>([this] {
            wait_for_dlclose();
            forget_image();
            unmap(kept_);
            bury();
        })->run(); // else it stays
    } catch (const std::exception &) {
        return;
    }
}

void plugin::bury() noexcept {
    plugin *oldest = nullptr;
    {
        const std::scoped_lock guard(image_lock());
        next_ = nullptr;
        (buried++ == 0 ? first_buried : last_buried->next_) = this;
        last_buried = this;
        if (buried > graveyard_size) {
            --buried;
            oldest = std::exchange(first_buried, first_buried->next_);
        }
    }
    delete oldest;
}

} // namespace epy
