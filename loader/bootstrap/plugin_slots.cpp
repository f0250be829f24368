// What a plugin's image shows its host: slots that lead to what the script has defined, names that
// are added to its tables.
#include <utility>

#include "loader/bootstrap/locks.h"
#include "loader/bootstrap/objects.h"
#include "loader/bootstrap/plugin.h"
#include "loader/bootstrap/resolve.h"

namespace epy {

const record **plugin::slot(std::uint32_t index) const noexcept {
    return reinterpret_cast<const record **>(base_ + info_->slots.address) + index;
}

// The start has succeeded: slots lead to what the script defined. False if the image is gone.
bool plugin::open_slots() noexcept {
    const std::scoped_lock guard(image_lock());
    if (!dead_) {
        open_ = true;
        for (const auto &[index, target] : pending_) {
            __atomic_store_n(slot(index), target, __ATOMIC_RELEASE);
        }
    }
    pending_.clear();
    return open_;
}

// Slots lead to the image's own records, which lead to the resolver; those that a script has taken
// have none, and give zero.
void plugin::close_slots() noexcept {
    open_ = false;
    pending_.clear();
    if (dead_) {
        return;
    }
    for (const record &one : own_records_) {
        if (one.code == epy_loader_error_value) {
            __atomic_store_n(slot(one.index), &one, __ATOMIC_RELEASE);
        }
    }
    const auto *stamped = reinterpret_cast<const record *>(base_ + info_->records.address);
    for (std::uint64_t i = 0; i < info_->records.size / sizeof *stamped; ++i) {
        __atomic_store_n(slot(stamped[i].index), &stamped[i], __ATOMIC_RELEASE);
    }
}

const record *plugin::target(std::uint32_t index) noexcept {
    const std::scoped_lock guard(image_lock());
    if (dead_ || index >= info_->slots_used) {
        return nullptr;
    }
    const record *current = __atomic_load_n(slot(index), __ATOMIC_ACQUIRE);
    const bool in_image =
        reinterpret_cast<std::uintptr_t>(current) >= base_ + info_->records.address &&
        reinterpret_cast<std::uintptr_t>(current) <
            base_ + info_->records.address + info_->records.size;
    return in_image ? nullptr : current;
}

const record *plugin::pending(std::uint32_t index) noexcept {
    const std::scoped_lock guard(image_lock());
    const auto found = pending_.find(index);
    return found == pending_.end() ? nullptr : found->second;
}

published plugin::publish(std::uint32_t index, const record *target) {
    const std::scoped_lock guard(image_lock());
    if (dead_ || index >= info_->slots_used) {
        return published::plugin_is_dead;
    }
    if (open_) {
        __atomic_store_n(slot(index), target, __ATOMIC_RELEASE);
    } else {
        pending_[index] = target;
    }
    return published::done;
}

const record *plugin::own_record(void (*code)(), std::uint32_t index) {
    own_records_.push_back({code, info_, index, result_class::registers, 0, {}, {}, 0});
    return &own_records_.back();
}

published plugin::publish_address(std::uint32_t index, void *address) {
    const record *target = nullptr;
    {
        const std::scoped_lock guard(image_lock());
        target = own_record(reinterpret_cast<void (*)()>(address), index);
    }
    return publish(index, target);
}

int plugin::take_slot() {
    const std::scoped_lock guard(image_lock());
    if (dead_ || info_->slots_used >= info_->slot_capacity) {
        return -1;
    }
    const std::uint32_t index = info_->slots_used;
    // Until something is published the name does not exist; a pointer to it returns nothing.
    __atomic_store_n(slot(index), own_record(epy_loader_error_value, index), __ATOMIC_RELEASE);
    ++info_->slots_used;
    return static_cast<int>(index);
}

const char *plugin::append_name(const char *name, int index, void *address,
                                std::uint64_t size) noexcept {
    const std::scoped_lock guard(image_lock());
    if (dead_) {
        return "the plugin is unloaded";
    }
    symbol added{};
    added.name = name;
    added.section = 1; // any that is defined: only tools look at it, and they read the file
    if (index >= 0) {
        const auto wanted = static_cast<std::uint32_t>(index);
        // During the start too: nobody knew the name before, and it can be called once it is there.
        if (const auto found = pending_.find(wanted); found != pending_.end()) {
            __atomic_store_n(slot(wanted), found->second, __ATOMIC_RELEASE);
        }
        added.value = info_->trampolines.address + std::uint64_t{wanted} * EPY_TRAMPOLINE_SIZE;
        added.size = EPY_TRAMPOLINE_SIZE;
    } else {
        added.value = reinterpret_cast<std::uintptr_t>(address) - base_;
        added.size = size;
        added.is_data = true;
    }
    const status outcome = tables_.append(added);
    return outcome == status::ok ? nullptr : describe(outcome);
}

void *plugin::next_function(const char *name) noexcept {
    void *(*next)(const char *) = nullptr;
    {
        const std::scoped_lock guard(image_lock());
        next = dead_ ? nullptr : info_->next_function;
    }
    return next == nullptr ? nullptr : next(name);
}

void *plugin::next_function(std::uint32_t index) {
    std::string name;
    {
        const std::scoped_lock guard(image_lock());
        const char *found = dead_ ? nullptr : tables_.name_of_slot(index);
        name = found == nullptr ? "" : found;
    }
    return name.empty() ? nullptr : next_function(name.c_str());
}

void *plugin::address_of(const char *name) const noexcept {
    void *found = nullptr;
    for_each_object([&](const loaded_object &object) {
        if (!object.contains(info_)) {
            return true;
        }
        found = object.find(name);
        return false;
    });
    return found;
}

} // namespace epy
