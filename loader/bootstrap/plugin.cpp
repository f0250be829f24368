#include "loader/bootstrap/plugin.h"

#include <cstring>
#include <mutex>
#include <new>
#include <utility>

#include "loader/bootstrap/conversions.h"
#include "loader/bootstrap/copied_data.h"
#include "loader/bootstrap/lineage.h"
#include "loader/bootstrap/locks.h"
#include "loader/bootstrap/mapped_file.h"
#include "loader/bootstrap/objects.h"
#include "loader/bootstrap/python.h"
#include "loader/bootstrap/report.h"
#include "loader/bootstrap/room.h"
#include "loader/paths.h"
#include "stub/integrity.h"

namespace epy {

namespace {

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

// The core's calls end here: `failure` if there is no memory.
template <typename Result, typename Work> Result guarded(Result failure, Work work) noexcept {
    try {
        return work();
    } catch (const std::bad_alloc &) {
        return failure;
    }
}
} // namespace

constinit const loader_services plugin::services = {
    [](plugin *self, std::uint32_t index, const record *target) noexcept {
        return guarded(published::no_memory, [&] { return self->publish(index, target); });
    },
    [](plugin *self, std::uint32_t index, void *address) noexcept {
        return guarded(published::no_memory, [&] { return self->publish_address(index, address); });
    },
    [](plugin *self, const char *name) noexcept {
        return guarded(-2, [&] { return self->take_slot(name); });
    },
    [](plugin *self, const char *name, int index, void **address, std::uint64_t size) noexcept {
        return guarded("out of memory",
                       [&] { return self->append_name(name, index, address, size); });
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
      generation_(generation_of_process()) {
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
    auto *made = with_room([&] { return new plugin(info); });
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

// By the starter, before the first start: names are added and data written later. Null, or why the
// image cannot be used.
const char *plugin::check_contents() noexcept {
    const std::scoped_lock guard(image_lock());
    if (!checked_ && !dead_) {
        checked_ = true;
        if (const status bad = epy::check_contents(mapped(), *info_); bad != status::ok) {
            problem_ = describe(bad);
            dead_ = true;
            records_are_whole_ = epy::records_are_whole(mapped(), *info_);
        }
    }
    return problem_;
}

record plugin::error_of(const record &called) const noexcept {
    const std::scoped_lock guard(image_lock());
    return records_are_whole_ ? called : record{};
}

const char *plugin::text(std::uint64_t address) const noexcept {
    return address == 0 ? nullptr : mapped().text(address);
}

bool plugin::is_to_be_ended_here() const noexcept { return stands_for(generation_); }

turn plugin::run() {
    const safe_conversions here;
    const python_state found = find_python(nullptr);
    if (found == python_state::circular) {
        return turn::ours; // not a failure: the next call tries again
    }
    return found == python_state::ready ? run_script(false) : without_python(found);
}

python_state plugin::find_python(const std::chrono::steady_clock::time_point *until) {
    if (const char *problem = check_contents(); problem != nullptr) {
        report(path(), "%s", problem);
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
    generation_ = generation_of_process();
    const plugin_view view{
        this, info_, path(), script_.empty() ? nullptr : script_.c_str(), inside_dlopen, &services};
    const loaded outcome = core_->load(&view);
    if (outcome == loaded::ready) {
        if (!open_slots()) {
            core_->unload(this);
        }
        return turn::ready;
    }
    const std::scoped_lock guard(image_lock());
    pending_.clear(); // slots stay as they are and give the error value
    return outcome == loaded::no_memory ? turn::absent : turn::failed;
}

bool plugin::is_whole() noexcept { return check_contents() == nullptr; }

void *plugin::module_init() {
    const core_api *core = nullptr;
    if (const char *problem = check_contents(); problem != nullptr) {
        report(path(), "%s", problem);
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

bool plugin::read_archive(std::uint64_t offset, void *target, std::size_t size) noexcept {
    const std::scoped_lock guard(image_lock());
    if (!dead_ && size != 0) {
        std::memcpy(target, mapped().at(info_->archive.address + offset, size), size);
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

bool plugin::retain_if_known(const plugin *wanted) noexcept {
    const std::scoped_lock guard(image_lock());
    plugin *found = all;
    while (found != nullptr && found != wanted) {
        found = found->next_;
    }
    // One that nobody has any more is there until a helper has unmapped its image: it stays over.
    int count = found == nullptr ? 0 : found->references_.load(std::memory_order_relaxed);
    while (count != 0 &&
           !found->references_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed)) {
    }
    return count != 0;
}

plugin::phase plugin::now() const noexcept {
    {
        const std::scoped_lock guard(image_lock());
        if (dead_ && problem_ == nullptr) {
            return phase::unloaded;
        }
    }
    if (start_.is_ready()) {
        return phase::ready;
    }
    return start_.is_fresh()      ? phase::fresh
           : start_.is_starting() ? phase::starting
                                  : phase::failed;
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

} // namespace epy
