#include "loader/core/embed/known_wrappers.h"

#include <unordered_map>
#include <utility>

#include "loader/core/embed/host_lock.h"
#include "loader/core/values/handles.h"
#include "loader/immortal.h"

namespace epy::known_wrappers {

namespace {

struct known_object {
    host_object *wrapper;
    long shares;       // what the host has said: 1 for each beginning, -1 for each end
    handle_cell *cell; // the strong reference; null if it has none
};

// Guarded by counts_lock. A wrapper that is in it has not left: its memory is there.
immortal<std::unordered_map<void *, known_object>> known;

known_object *find(void *pointer) {
    const auto found = known->find(pointer);
    return found == known->end() ? nullptr : &found->second;
}

void release(handle_cell *cell) noexcept {
    if (cell != nullptr && cell->count != 0) {
        handles_of_plugins.load()->release(*cell);
    }
}

} // namespace

host_object *wrapper_of(void *pointer) {
    const std::scoped_lock guard(counts_lock());
    const known_object *found = find(pointer);
    return found == nullptr || Py_REFCNT(found->wrapper) == 0 ? nullptr : found->wrapper;
}

void keep(host_object *wrapper, void *pointer, const epy_class *of) {
    const std::scoped_lock guard(counts_lock());
    wrapper->pointer = pointer; // first: without memory for the rest, its end gives this back
    wrapper->of = of;
    (*known)[pointer] = {wrapper, 0, nullptr};
}

void leave(host_object *wrapper) noexcept {
    const std::scoped_lock guard(counts_lock());
    const auto found = known->find(wrapper->pointer);
    if (found != known->end() && found->second.wrapper == wrapper) {
        release(found->second.cell);
        known->erase(found);
    }
}

bool share(void *pointer, bool is_shared) noexcept {
    const std::scoped_lock guard(counts_lock());
    known_object *found = find(pointer);
    if (found == nullptr) {
        return true;
    }
    found->shares += is_shared ? 1 : -1;
    if (found->shares > 0 && found->cell == nullptr) {
        return false;
    }
    if (found->shares <= 0) {
        release(std::exchange(found->cell, nullptr));
    }
    return true;
}

void hold(void *pointer, const host_object *wrapper, handle_cell &strong) noexcept {
    const std::scoped_lock guard(counts_lock());
    known_object *found = find(pointer);
    if (found != nullptr && found->wrapper == wrapper && found->shares > 0 &&
        found->cell == nullptr) {
        found->cell = &strong;
    } else {
        release(&strong);
    }
}

void forget(void *pointer) noexcept {
    const std::scoped_lock guard(counts_lock());
    const auto found = known->find(pointer);
    if (found != known->end()) {
        found->second.wrapper->pointer = nullptr;
        release(found->second.cell);
        known->erase(found);
    }
}

void end() noexcept {
    const std::scoped_lock guard(counts_lock());
    known->clear();
}

} // namespace epy::known_wrappers
