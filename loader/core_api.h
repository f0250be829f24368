// The contract between the loader (bootstrap) and the core (epy._core).
//
// The loader opens the core that fits the process's Python and calls its one exported function,
// `epy_core_open`, which joins or starts that Python, imports the package epy and returns the table
// of the core that the package uses (its capsule `epy._core._C_API`). No Python type crosses this
// line.
#pragma once

#include <cstddef>
#include <cstdint>

#include "loader/embed_api.h"
#include "stub/stub.h"

namespace epy {

inline constexpr std::uint32_t core_api_version = 9;

struct plugin; // the loader's
struct log_settings;

enum class published { done, plugin_is_dead, no_memory };
enum class loaded { failed, ready, no_memory }; // no_memory: the next call tries again

// What the core may ask of the loader for one plugin. All of it may be called with the GIL held:
// nothing here waits for Python.
struct loader_services {
    // Let slot `index` lead to `target`: at once if the plugin is ready, otherwise when its start
    // has succeeded (calls of the starting thread get it at once).
    published (*publish)(plugin *, std::uint32_t index, const record *target) noexcept;
    // The same for a native address.
    published (*publish_address)(plugin *, std::uint32_t index, void *address) noexcept;
    // The slot for a function whose name is not in the file: a fresh one, or that which the name
    // has since an earlier Python of the process. Returns its index, -1 if none is left or the
    // plugin is dead, -2 without memory.
    int (*take_slot)(plugin *, const char *name) noexcept;
    // Append a name to the mapped tables: a function at slot `index`, or (index < 0) `size` bytes
    // of data at `*address`, which becomes where the name leads: if a script of an earlier Python
    // has added it, hosts have that place. Returns null, or why not (a static text).
    const char *(*append_name)(plugin *, const char *name, int index, void **address,
                               std::uint64_t size) noexcept;
    // The next definition of `name` in the process after the plugin's own, or null.
    void *(*next_function)(plugin *, const char *name) noexcept;
    // Where the process keeps the data `name` that the plugin defines at `original`: there, or in
    // the executable's copy.
    void *(*data_address)(plugin *, const char *name, void *original) noexcept;
    // Copy bytes of the archive. False if the plugin is dead; they must lie in the archive.
    bool (*read_archive)(plugin *, std::uint64_t offset, void *target, std::size_t size) noexcept;
    // The core drops a plugin that `load` gave it.
    void (*release)(plugin *) noexcept;
};

struct plugin_view {
    plugin *handle;
    stub_info *info;
    const char *path;   // absolute
    const char *script; // of a bare plugin: absolute path of the script beside it, otherwise null
    bool inside_dlopen; // the calling thread holds the dynamic loader's lock
    const loader_services *services;
};

// A function of Python's that is to be another one.
struct replacement {
    const char *name;
    void *function;
    void **original; // receives the address of Python's own, null if it has none
};

template <typename Function>
replacement replaced(const char *name, Function *function, Function *&own) {
    return {name, reinterpret_cast<void *>(function), reinterpret_cast<void **>(&own)};
}

struct core_options {
    std::uint32_t version;      // core_api_version
    const char *plugin;         // that is being started, for messages
    bool start;                 // Python is not initialized: start it
    bool ours;                  // epy starts it, or has started it and got no further
    const char *executable;     // for `start`
    const char *environment;    // for `start`: the same, or that of a virtual environment
    bool chosen;                // it is for all plugins, whatever they were built with
    const char *package_folder; // where the package epy lies, if it is not imported yet; or null:
    const void *pack;           // it lies there (stub/pack.h), as long as this is being opened
    std::uint64_t pack_size;
    char *error; // receives one line on failure
    std::size_t error_size;
    bool *no_memory;  // receives whether that was the reason: the next call tries again
    bool *is_between; // the same for: the host begins or ends Python on this very thread
    // See loader/bootstrap/replace.h.
    void (*replace_functions)(const void *place, const replacement *, std::size_t count) noexcept;
    const char *(*python_needed_by)(const void *caller) noexcept;
    // Python was finalized: no call is served any more. Any thread.
    void (*python_is_gone)() noexcept;
    // Says so, once. `label`: what was called.
    void (*complain_of_end)(const char *label) noexcept;
    const log_settings *log; // the loader's
    // What is to run once, in this process or in a child that comes into its place: see
    // loader/bootstrap/lineage.h.
    std::uint64_t (*mark_to_run)() noexcept;
    bool (*take_to_run)(std::uint64_t mark) noexcept;
};

struct core_api {
    std::uint32_t version;
    // Run the plugin's script and publish what it exports; takes over one reference to the plugin.
    // Any thread, GIL held or not. A failure has been reported on stderr.
    loaded (*load)(const plugin_view *) noexcept;
    // Run on_unload hooks and drop the script's module, callbacks and bindings. Any thread.
    void (*unload)(plugin *) noexcept;
    // What the init function of an extension module returns, for a module that runs a plugin's
    // script. With the GIL; null with an exception.
    void *(*module_init)() noexcept;
    // The process exits and epy started Python: run on_unload hooks of live plugins, atexit
    // functions, flush stdout and stderr. Any thread, GIL held or not.
    void (*at_exit)() noexcept;
    // Calls `work` once this thread holds the GIL, before which others make room, or once it turns
    // out that there is no Python to hold.
    void (*with_gil)(void (*work)(void *), void *argument) noexcept;
    // From here to release_loading only `thread` (pthread_self) loads libraries from Python; others
    // wait without the GIL. Any thread; waits for the GIL. False while another thread imports.
    bool (*reserve_loading)(unsigned long thread) noexcept;
    void (*release_loading)(unsigned long thread) noexcept;
    // The thread (a pthread_t) for which another one waits inside Python without a limit; 0 if that
    // is unknown. Any thread; waits for the GIL.
    std::uintptr_t (*awaited)(std::uintptr_t thread) noexcept;
    const embed_api *embed;
};

// Returns null and fills options->error on failure; with an empty text if a host has initialized
// Python, which was to be started, meanwhile. Exported by the core as `epy_core_open`.
using core_open_function = const core_api *(const core_options *) noexcept;
inline constexpr char core_open_symbol[] = "epy_core_open";

} // namespace epy
