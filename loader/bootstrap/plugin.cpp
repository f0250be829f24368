#include "loader/bootstrap/plugin.h"

#include <unistd.h>

#include <cstring>
#include <mutex>
#include <new>
#include <utility>

#include "loader/bootstrap/conversions.h"
#include "loader/bootstrap/copied_data.h"
#include "loader/bootstrap/helper.h"
#include "loader/bootstrap/locks.h"
#include "loader/bootstrap/log_sinks.h"
#include "loader/bootstrap/mapped_file.h"
#include "loader/bootstrap/objects.h"
#include "loader/bootstrap/python.h"
#include "loader/bootstrap/report.h"
#include "loader/bootstrap/resolve.h"
#include "loader/paths.h"
#include "stub/integrity.h"

namespace epy {

namespace {

// Dead plugins whose memory a call that is just returning may still look at.
constexpr std::size_t graveyard_size = 64;
plugin *first_buried = nullptr;
plugin *last_buried = nullptr;
std::size_t buried = 0;

// Those whose image is mapped. Guarded by image_lock().
plugin *all = nullptr;

class holder {
public:
    explicit holder(plugin &held) : held_(held) { held_.retain(); }
    ~holder() { held_.release(); }
    holder(const holder &) = delete;
    holder &operator=(const holder &) = delete;

private:
    plugin &held_;
};

// The script that lies beside a bare plugin: synth.py or the package synth/ beside synth.so.
std::string script_beside(const std::string &path) {
    const std::size_t dot = path.rfind('.');
    const std::string stem =
        dot == std::string::npos || dot < path.rfind('/') ? path : path.substr(0, dot);
    return exists(stem + "/__init__.py") ? stem : stem + ".py";
}

} // namespace

// The core's calls end here: `failure` if there is no memory.
namespace {
template <typename Result, typename Work> Result guarded(Result failure, Work work) noexcept {
    try {
        return work();
    } catch (const std::bad_alloc &) {
        return failure;
    }
}
} // namespace

const loader_services plugin::services = {
    [](plugin *self, std::uint32_t index, const record *target) noexcept {
        return guarded(published::no_memory, [&] { return self->publish(index, target); });
    },
    [](plugin *self, std::uint32_t index, void *address) noexcept {
        return guarded(published::no_memory, [&] { return self->publish_address(index, address); });
    },
    [](plugin *self) noexcept { return guarded(-2, [&] { return self->take_slot(); }); },
    [](plugin *self, const char *name, int index, void *address, std::uint64_t size) noexcept {
        return self->append_name(name, index, address, size);
    },
    [](plugin *self, const char *name) noexcept { return self->next_function(name); },
    [](plugin *, const char *name, void *original) noexcept {
        return data_address(name, original);
    },
    [](plugin *self, std::uint64_t offset, void *target, std::size_t size) noexcept {
        return self->read_archive(offset, target, size);
    },
    [](plugin *self) noexcept { self->release_for_core(); },
};

plugin::plugin(stub_info *info)
    : info_(info), base_(load_address_of(info)), path_(file_of(info)),
      start_(path_.c_str(),
             "a script must not wait at its start for a thread that calls its plugin"),
      process_(getpid()) {
    if (const status bad = tables::open(mapped(), info, tables_); bad != status::ok) {
        problem_ = describe(bad);
        dead_ = true;
        records_are_whole_ = epy::records_are_whole(mapped(), *info);
    } else if ((info->flags & stub_bare) != 0) {
        script_ = script_beside(path_);
    }
}

plugin *plugin::find(const stub_info *info) noexcept {
    const std::scoped_lock guard(image_lock());
    return find_locked(info);
}

plugin *plugin::find_locked(const stub_info *info) noexcept {
    plugin *found = all;
    while (found != nullptr && found->info_ != info) {
        found = found->next_;
    }
    return found;
}

plugin &plugin::of(stub_info *info) {
    if (plugin *known = find(info); known != nullptr) {
        return *known;
    }
    auto *made = new plugin(info);
    plugin *first = nullptr;
    {
        const std::scoped_lock guard(image_lock());
        first = find_locked(info);
        if (first == nullptr) {
            made->next_ = std::exchange(all, made);
            return *made;
        }
    }
    delete made; // another thread was quicker
    return *first;
}

image plugin::mapped() const noexcept { return image::of_mapped(reinterpret_cast<void *>(base_)); }

// By the starter, before the first start: names are added and data written later.
void plugin::check_contents() noexcept {
    const std::scoped_lock guard(image_lock());
    if (!checked_ && !dead_) {
        checked_ = true;
        if (const status bad = epy::check_contents(mapped(), *info_); bad != status::ok) {
            problem_ = describe(bad);
            dead_ = true;
            records_are_whole_ = epy::records_are_whole(mapped(), *info_);
        }
    }
}

record plugin::error_of(const record &called) const noexcept {
    return records_are_whole_ ? called : record{};
}

const record **plugin::slot(std::uint32_t index) const noexcept {
    return reinterpret_cast<const record **>(base_ + info_->slots.address) + index;
}

const char *plugin::text(std::uint64_t address) const noexcept {
    return address == 0 ? nullptr : mapped().text(address);
}

bool plugin::belongs_to_this_process() const noexcept { return process_ == getpid(); }

turn plugin::run() {
    const safe_conversions here;
    switch (find_python(nullptr)) {
    case python_state::circular:
        return turn::ours; // not a failure: the next call tries again
    case python_state::failed:
        return turn::failed;
    case python_state::gone:
        return turn::absent;
    case python_state::ready:
        break;
    }
    return run_script(false);
}

python_state plugin::find_python(const std::chrono::steady_clock::time_point *until) {
    check_contents();
    if (problem_ != nullptr) {
        report(path(), "%s", problem_);
        return python_state::failed;
    }
    if (is_dead()) {
        if (core_ != nullptr) {
            return python_state::gone; // that it ran in
        }
        report(path(), "was closed before its first call, which returned its error value");
        return python_state::failed;
    }
    // What it asks for lies in the image: that stays, if another thread closes the plugin
    // meanwhile.
    const holder image(*this);
    return open_python(wish(), core_, until);
}

python_wish plugin::wish() const noexcept {
    python_wish asked{path(), text(info_->libpython_path), text(info_->executable_path),
                      text(info_->loader_path)};
    if (info_->contract >= first_with_pack && info_->pack.size != 0) {
        asked.pack = mapped().at(info_->pack.address, info_->pack.size);
        asked.pack_size = info_->pack.size;
    }
    return asked;
}

turn plugin::run_script(bool inside_dlopen) noexcept {
    retain();
    core_has_it_ = true;
    const plugin_view view{
        this, info_, path(), script_.empty() ? nullptr : script_.c_str(), inside_dlopen, &services};
    if (core_->load(&view)) {
        if (!open_slots()) {
            core_->unload(this);
        }
        return turn::ready;
    }
    const std::scoped_lock guard(image_lock());
    pending_.clear(); // slots stay as they are and give the error value
    return turn::failed;
}

void *plugin::module_init() {
    check_contents();
    const core_api *core = nullptr;
    if (problem_ != nullptr) {
        report(path(), "%s", problem_);
    } else {
        python_wish asked = wish(); // but for a Python: that runs
        asked.libpython = asked.executable = nullptr;
        if (open_python(asked, core) == python_state::ready) {
            return core->module_init();
        }
    }
    set_import_error("epy cannot import this plugin as a module; the reason is on stderr");
    return nullptr;
}

turn plugin::start_now(name_list *circle) {
    turn state = start_.begin(nullptr, circle);
    if (state == turn::ours) {
        try {
            state = run();
        } catch (const std::exception &) {
            start_.finish(turn::ours); // the next call tries again
            throw;
        }
        start_.finish(state);
    }
    return state;
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

void plugin::forget_scripts() noexcept {
    std::unique_lock guard(image_lock());
    plugin *one = all;
    while (one != nullptr) {
        one->close_slots();
        one->start_.renew();
        if (one->core_has_it_) {
            guard.unlock();
            one->release_for_core(); // which may end it
            guard.lock();
            one = all;
        } else {
            one = one->next_;
        }
    }
}

void plugin::release_for_core() noexcept {
    if (core_has_it_.exchange(false)) {
        release();
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

bool plugin::read_archive(std::uint64_t offset, void *target, std::size_t size) noexcept {
    const std::scoped_lock guard(image_lock());
    if (!dead_ && size != 0) {
        std::memcpy(target, text(info_->archive.address) + offset, size);
    }
    return !dead_;
}

void plugin::complain(std::uint32_t index, const char *why) noexcept {
    const char *name = nullptr;
    {
        const std::scoped_lock guard(image_lock());
        if (complained_ || dead_) {
            return;
        }
        complained_ = true;
        name = tables_.name_of_slot(index);
    }
    report(path(), "'%s' %s", name == nullptr ? "(a callback)" : name, why);
}

bool plugin::is_dead() const noexcept {
    const std::scoped_lock guard(image_lock());
    return dead_;
}

bool plugin::mark_dead() noexcept {
    const std::scoped_lock guard(image_lock());
    dead_ = true;
    return open_;
}

bool plugin::retain_if_known(const plugin *wanted) noexcept {
    const std::scoped_lock guard(image_lock());
    plugin *found = all;
    while (found != nullptr && found != wanted) {
        found = found->next_;
    }
    if (found != nullptr) {
        found->retain();
    }
    return found != nullptr;
}

plugin::phase plugin::now() const noexcept {
    if (is_dead() && problem_ == nullptr) {
        return phase::unloaded;
    }
    if (start_.is_ready()) {
        return phase::ready;
    }
    return start_.is_fresh()      ? phase::fresh
           : start_.is_starting() ? phase::starting
                                  : phase::failed;
}

bool plugin::retire() noexcept {
    const std::scoped_lock guard(image_lock());
    const bool has_script = open_ && !dead_;
    close_slots();
    dead_ = true;
    return has_script;
}

std::shared_ptr<helper> plugin::unloading() noexcept {
    const std::scoped_lock guard(image_lock());
    return unloading_;
}

void plugin::set_unloading(std::shared_ptr<helper> its_helper) noexcept {
    const std::scoped_lock guard(image_lock());
    unloading_ = std::move(its_helper);
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

// It is unmapped: another may be mapped there.
void plugin::forget_image() noexcept {
    const std::scoped_lock guard(image_lock());
    for (plugin **link = &all; *link != nullptr; link = &(*link)->next_) {
        if (*link == this) {
            *link = next_;
            break;
        }
    }
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
