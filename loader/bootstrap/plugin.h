// A plugin as the loader knows it: its start, its slots and tables, and whether its image is still
// there.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <string>

#include "loader/bootstrap/helper.h"
#include "loader/bootstrap/kept_image.h"
#include "loader/bootstrap/python.h"
#include "loader/bootstrap/start.h"
#include "loader/core_api.h"
#include "stub/tables.h"

namespace epy {

// The outcome of a start that found no Python, and of which no other start was in the way.
inline turn without_python(python_state found) noexcept {
    return found == python_state::failed ? turn::failed : turn::absent;
}

// Shared by the image (until its destructor ran) and the core (until it dropped the script). All
// writes to the image are made under image_lock(), which the destructor takes to mark the plugin
// dead: a writer either finishes before the image goes or does not begin. What the core still has
// then may lead into the image, so that it stays mapped until the core is done with the plugin.
struct plugin {
    // The plugin of this image, made on first use. Nothing of it is in the image, whose file may be
    // damaged. May throw std::bad_alloc, as may all here that is not noexcept.
    static plugin &of(stub_info *);
    // Null if the image was never used.
    static plugin *find(const stub_info *) noexcept;

    [[nodiscard]] const char *path() const noexcept { return path_.c_str(); }
    [[nodiscard]] bool is_bare() const noexcept { return !script_.empty(); }
    [[nodiscard]] start &starting() noexcept { return start_; }
    // Whether this process has run its script, or stands for the one that has.
    [[nodiscard]] bool is_to_be_ended_here() const noexcept;

    // Finds Python, runs the script, publishes. The caller is the starter.
    turn run();
    // The same in two steps, for a thread that holds the dynamic loader's lock.
    python_state find_python(const std::chrono::steady_clock::time_point *until);
    turn run_script(bool inside_dlopen) noexcept;

    // A Python imports the plugin as a module: see loader_api.
    void *module_init();

    // The record that slot `index` leads to by now; null if it is still the resolver's.
    [[nodiscard]] const record *target(std::uint32_t index) noexcept;
    // For calls from inside the start: what the script has defined so far.
    [[nodiscard]] const record *pending(std::uint32_t index) noexcept;
    // The next definition in the process of the name of slot `index`, or null.
    [[nodiscard]] void *next_function(std::uint32_t index);
    // What a call returns that cannot run: the record, or zeros if it is damaged.
    [[nodiscard]] record error_of(const record &called) const noexcept;
    // Says once that an export was called that cannot run, and why.
    void complain(std::uint32_t index, const char *why) noexcept;

    // Whether this is one whose image is mapped; then it has a reference more. For any pointer.
    static bool retain_if_known(const plugin *) noexcept;
    // Whether its file is as it was built.
    [[nodiscard]] bool is_whole() noexcept;
    enum class phase { fresh, starting, ready, failed, unloaded };
    [[nodiscard]] phase now() const noexcept;
    // Starts it unless it has started: ready, failed, circular or absent. May throw.
    turn start_now(name_list *circle = nullptr);
    // The host closes it soon: exports give error values from now on. True if the script has run,
    // and so is to be dropped: by that one, whom who asks again waits for.
    [[nodiscard]] bool retire(const std::shared_ptr<helper> &) noexcept;
    // What unloads it meanwhile, or null.
    [[nodiscard]] std::shared_ptr<helper> unloading() noexcept;
    // Where the image has an export, or null. `name`: without a symbol version.
    [[nodiscard]] void *address_of(const char *name) const noexcept;

    // The destructor of the image runs. Afterwards nothing writes to it. True if the script has
    // run, and so is to be dropped; a start that is not over drops it itself.
    [[nodiscard]] bool mark_dead() noexcept;
    // The destructor ends: the image gives its reference up.
    void leave_image() noexcept;
    [[nodiscard]] const core_api *core() const noexcept { return core_; }

    // Python is gone, and with it all scripts: calls come to the resolver again.
    static void forget_scripts() noexcept;

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept;

    static const loader_services services;

private:
    // A name that the file does not have. It stays when the Python ends whose script has added it:
    // hosts have its place, and a script in the next Python goes on with that.
    struct added_name {
        int index; // of its slot; data have none
        void *address;
        std::uint64_t size;
    };

    explicit plugin(stub_info *info);
    ~plugin() = default;

    published publish(std::uint32_t index, const record *);
    published publish_address(std::uint32_t index, void *address);
    int take_slot(const char *name);
    const char *append_name(const char *name, int index, void **address, std::uint64_t size);
    void *next_function(const char *name) noexcept;
    bool read_archive(std::uint64_t offset, void *target, std::size_t size) noexcept;
    [[nodiscard]] bool is_dead() const noexcept;
    [[nodiscard]] bool open_slots() noexcept;
    void forget_image() noexcept;
    void bury() noexcept;
    void close_slots() noexcept;
    void release_for_core() noexcept;
    const record *own_record(void (*code)(), std::uint32_t index, const record &errors = {});
    void note_errors(std::uint32_t index, const record &published);
    [[nodiscard]] std::uint32_t slots_of_file() const noexcept;
    static plugin *find_locked(const stub_info *) noexcept;
    [[nodiscard]] image mapped() const noexcept;
    const char *check_contents() noexcept;
    [[nodiscard]] python_wish wish() const noexcept;
    [[nodiscard]] const record **slot(std::uint32_t index) const noexcept;
    [[nodiscard]] const char *text(std::uint64_t address) const noexcept;

    // Guarded by image_lock(), up to records_are_whole_.
    bool dead_ = false; // nothing may touch the image any more
    bool open_ = false; // started: publishing goes to the slots at once
    bool complained_ = false;
    bool checked_ = false;          // the image's contents, once
    const char *problem_ = nullptr; // why the image cannot be used
    bool records_are_whole_ = true;
    stub_info *info_;
    std::uintptr_t base_;    // where the image begins
    kept_image kept_;        // the same, if it outlives its destructor
    plugin *next_ = nullptr; // mapped, or to be deleted
    tables tables_;
    std::map<std::uint32_t, const record *> pending_;
    std::map<std::string, added_name, std::less<>> added_;
    // Of slots that the file does not use: the resolver, with the error values of what they led to.
    std::map<std::uint32_t, const record *> resolvers_;
    std::deque<record> own_records_; // of native addresses and added slots: as long as the image
    std::string path_;
    start start_;
    std::string script_;
    const core_api *core_ = nullptr;
    unsigned generation_;               // of the process that runs it: see lineage.h
    std::shared_ptr<helper> unloading_; // by epy_unload
    std::atomic<int> references_{1};
    std::atomic<bool> core_has_it_{false}; // one of these
};

} // namespace epy
