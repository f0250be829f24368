// The contract for what hosts ask of Python through epy.h: the loader has the functions of epy.h,
// and takes from the core's table what needs Python; the core tells it of errors. Beside
// core_api.h, and versioned with it.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>

#include "loader/include/epy.h"

namespace epy {

struct plugin;

// An error for `epy_last_error`. All are copied; null is empty.
struct error_text {
    const char *type = nullptr;
    const char *message = nullptr;
    const char *traceback = nullptr;
    const char *plugin = nullptr;   // path
    const char *function = nullptr; // what was called
    const char *thread = nullptr;   // null: its name in the system
    const char *classes = nullptr;  // names of the class and its bases, a newline behind each
};

// What the core may ask of the loader on any thread, with the GIL or without.
struct host_services {
    void (*set_error)(const error_text &) noexcept;
    // Gives a text to the host's sink, which may take any lock of the host's. False if there is
    // none: it goes to stderr. `is_error`: it is about the last error of this thread.
    bool (*give_to_sink)(int level, const char *plugin, const char *text, bool is_error) noexcept;
    // What the host has registered; null if there is none of that name. It stays.
    const epy_class *(*find_class)(const char *name) noexcept;
    // Whether there is a sink for that plugin.
    bool (*has_sink)(const char *plugin) noexcept;
};

// Any thread, with the GIL or without. Null, false or -1 after an error, which is the thread's last
// one. Objects that are returned are new references of the host's, unless it says otherwise.
struct embed_api {
    // Once for each Python, before anything else.
    void (*serve)(const host_services *) noexcept;

    bool (*each_export)(plugin *,
                        bool (*visit)(const char *name, const char *prototype, void *user),
                        void *user) noexcept;

    int (*raise)(const char *type, const char *message) noexcept;
    int (*raise_errno)(int number, const char *file) noexcept;
    int (*raise_again)() noexcept;
    void (*clear_raised)() noexcept; // takes the GIL only if there is something to clear

    // Without the GIL.
    epy_object *(*retain)(epy_object *) noexcept;
    void (*release)(epy_object *) noexcept;
    std::uint64_t (*count)(const epy_object *) noexcept;

    int (*is_a)(const epy_object *, const char *class_name) noexcept;
    const char *(*class_of)(const epy_object *) noexcept;
    epy_object *(*weak)(epy_object *) noexcept;
    epy_object *(*lock)(epy_object *) noexcept;

    epy_object *(*build)(const char *format, std::va_list) noexcept;
    int (*parse)(const epy_object *, const char *format, std::va_list) noexcept;

    epy_object *(*call)(plugin *, const char *name, bool keywords, const char *format,
                        std::va_list) noexcept;
    int (*call_into)(plugin *, const char *name, const char *result, void *place,
                     const char *format, std::va_list) noexcept;
    epy_object *(*call_object)(epy_object *, bool keywords, const char *format,
                               std::va_list) noexcept;
    epy_object *(*call_method)(epy_object *, const char *method, bool keywords, const char *format,
                               std::va_list) noexcept;
    // Of a call that is not made: what the format steals is released.
    void (*take_stolen)(const char *format, std::va_list) noexcept;
    epy_object *(*get)(epy_object *, const char *attribute) noexcept;
    int (*set)(epy_object *, const char *attribute, epy_object *value) noexcept;

    epy_object *(*wrap)(const char *class_name, void *host_object) noexcept;
    void *(*unwrap)(const epy_object *, const char *class_name) noexcept;
    void (*share)(void *host_object, bool is_shared) noexcept;
    void (*forget)(void *host_object) noexcept;

    // Release and is_live without the GIL.
    int (*retain_callback)(void *function) noexcept;
    void (*release_callback)(void *function) noexcept;
    int (*is_live_callback)(void *function) noexcept;
    void *(*new_callback)(epy_object *callable, const char *prototype, epy_object *error) noexcept;

    int (*keep_alive)(epy_object *nurse, epy_object *patient) noexcept;
    epy_object *(*memory)(void *address, std::size_t bytes, bool writable, void (*release)(void *),
                          void *user) noexcept;
    epy_object *(*buffer)(epy_object *, bool writable, void **address, std::size_t *bytes) noexcept;

    bool (*enter)(epy_scope *) noexcept;
    void (*leave)(epy_scope *) noexcept;
    void (*pause)(epy_scope *) noexcept;
    void (*resume)(epy_scope *) noexcept;
};

} // namespace epy
