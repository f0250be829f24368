// What a plugin's image shows its host: slots that lead to what the script has defined, names that
// are added to its tables.
#include <algorithm>
#include <iterator>
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

std::uint32_t plugin::slots_of_file() const noexcept {
    return static_cast<std::uint32_t>(info_->records.size / sizeof(record));
}

// Slots lead to the resolver again: those of the file by the image's own records.
void plugin::close_slots() noexcept {
    open_ = false;
    pending_.clear();
    if (dead_) {
        return;
    }
    for (const auto &[index, resolver] : resolvers_) {
        __atomic_store_n(slot(index), resolver, __ATOMIC_RELEASE);
    }
    const auto *stamped = reinterpret_cast<const record *>(base_ + info_->records.address);
    for (std::uint32_t i = 0; i < slots_of_file(); ++i) {
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
    return in_image || current->code == epy_loader_resolver ? nullptr : current;
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
    note_errors(index, *target);
    if (open_) {
        __atomic_store_n(slot(index), target, __ATOMIC_RELEASE);
    } else {
        pending_[index] = target;
    }
    return published::done;
}

const record *plugin::own_record(void (*code)(), std::uint32_t index, const record &errors) {
    own_records_.push_back({code, info_, index, errors.result, 0, {}, {}, errors.error_size});
    std::copy(std::begin(errors.error), std::end(errors.error), own_records_.back().error);
    return &own_records_.back();
}

// A record is not changed: a call may have it. What error values lead to stays when Python goes.
void plugin::note_errors(std::uint32_t index, const record &published) {
    if (index < slots_of_file()) {
        return;
    }
    const record *&resolver = resolvers_[index];
    if (resolver == nullptr || resolver->result != published.result ||
        resolver->error_size != published.error_size ||
        !std::equal(std::begin(published.error), std::end(published.error), resolver->error)) {
        resolver = own_record(epy_loader_resolver, index, published);
    }
}

published plugin::publish_address(std::uint32_t index, void *address) {
    const record *target = nullptr;
    {
        const std::scoped_lock guard(image_lock());
        target = own_record(reinterpret_cast<void (*)()>(address), index);
    }
    return publish(index, target);
}

int plugin::take_slot(const char *name) {
    const std::scoped_lock guard(image_lock());
    if (const auto known = added_.find(name); known != added_.end() && known->second.index >= 0) {
        return dead_ ? -1 : known->second.index;
    }
    if (dead_ || info_->slots_used >= info_->slot_capacity) {
        return -1;
    }
    const std::uint32_t index = info_->slots_used;
    // Until something is published the name does not exist; a pointer to it returns nothing.
    __atomic_store_n(slot(index), own_record(epy_loader_error_value, index), __ATOMIC_RELEASE);
    ++info_->slots_used;
    return static_cast<int>(index);
}

const char *plugin::append_name(const char *name, int index, void **address, std::uint64_t size) {
    const std::scoped_lock guard(image_lock());
    if (dead_) {
        return "the plugin is unloaded";
    }
    const auto [place, is_new] =
        added_.try_emplace(name, added_name{index, index < 0 ? *address : nullptr, size});
    if (!is_new) {
        if (place->second.index != index || place->second.size != size) {
            return "it was something else when the script ran before, in a Python that has ended; "
                   "load the plugin anew";
        }
        if (index < 0) {
            *address = place->second.address;
        }
        return nullptr;
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
        added.value = reinterpret_cast<std::uintptr_t>(*address) - base_;
        added.size = size;
        added.is_data = true;
    }
    const status outcome = tables_.append(added);
    if (outcome != status::ok) {
        added_.erase(place);
        return describe(outcome);
    }
    return nullptr;
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
