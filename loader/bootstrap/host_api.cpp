// The functions of epy.h. What needs Python is the core's (embed_api.h); a plugin that has not
// started is started first.
#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "loader/bootstrap/cancellation.h"
#include "loader/bootstrap/find_plugin.h"
#include "loader/bootstrap/gil.h"
#include "loader/bootstrap/helper.h"
#include "loader/bootstrap/host_classes.h"
#include "loader/bootstrap/last_error.h"
#include "loader/bootstrap/log_sinks.h"
#include "loader/bootstrap/plugin.h"
#include "loader/bootstrap/python.h"
#include "loader/embed_api.h"
#include "loader/fp_environment.h"
#include "loader/include/epy.h"

namespace epy {

namespace {

// Each function: errno stays the host's, and no C++ exception gets out.
template <typename Result, typename Work>
Result guarded(const char *function, Result failure, Work work) noexcept {
    const int saved_errno = errno;
    Result result = failure;
    try {
        result = work();
    } catch (const std::exception &) {
        set_error({"MemoryError", nullptr, nullptr, nullptr, function, nullptr,
                   "MemoryError\nException\nBaseException\n"});
    }
    errno = saved_errno;
    return result;
}

// A plugin that stays while a function of epy.h uses it.
class held_plugin {
public:
    explicit held_plugin(const epy_plugin *given) noexcept
        : plugin_(reinterpret_cast<plugin *>(const_cast<epy_plugin *>(given))) {
        if (plugin_ != nullptr && !plugin::retain_if_known(plugin_)) {
            plugin_ = nullptr;
        }
    }
    ~held_plugin() {
        if (plugin_ != nullptr) {
            plugin_->release();
        }
    }
    held_plugin(const held_plugin &) = delete;
    held_plugin &operator=(const held_plugin &) = delete;

    explicit operator bool() const noexcept { return plugin_ != nullptr; }
    plugin *operator->() const noexcept { return plugin_; }
    [[nodiscard]] plugin *get() const noexcept { return plugin_; }

private:
    plugin *plugin_;
};

bool make_ready(const held_plugin &self, const char *function) {
    if (!self) {
        set_error(function, nullptr,
                  "no plugin, or one that was closed: take it from epy_plugin_of after dlopen");
        return false;
    }
    if (self->now() == plugin::phase::unloaded) {
        set_error(function, self->path(), "the plugin was unloaded: dlopen it again");
        return false;
    }
    const fp_environment floating_point;
    const uncancelled whole;
    const turn state = self->start_now();
    if (state == turn::circular || state == turn::ours) {
        set_error(function, self->path(),
                  "the plugin's start waits for this thread: call it when the start is over");
    } else if (state != turn::ready && last_error() == nullptr) {
        set_error(function, self->path(), "the plugin did not start; the log has the reason");
    }
    return state == turn::ready;
}

const embed_api *embedding(const char *function) noexcept {
    const core_api *core = the_core();
    if (core == nullptr) {
        set_error(function, nullptr, "no Python runs: start a plugin first, with epy_start");
        return nullptr;
    }
    return core->embed;
}

// With the core: Work(const embed_api &).
template <typename Result, typename Work>
Result with_python(const char *function, Result failure, Work work) noexcept {
    return guarded(function, failure, [&]() -> Result {
        const embed_api *python = embedding(function);
        return python == nullptr ? failure : work(*python);
    });
}

// With a plugin that has started: Work(const embed_api &, plugin *).
template <typename Result, typename Work>
Result with_plugin(const epy_plugin *given, const char *function, Result failure,
                   Work work) noexcept {
    return guarded(function, failure, [&]() -> Result {
        const held_plugin self(given);
        if (!make_ready(self, function)) {
            return failure;
        }
        const embed_api *python = embedding(function);
        return python == nullptr ? failure : work(*python, self.get());
    });
}

template <typename Result>
Result missing(const char *function, const char *what, Result failure) noexcept {
    set_error(function, nullptr, "%s is NULL", what);
    return failure;
}

struct one_export {
    std::string name;
    std::string prototype;
    void *address;
};

bool unload_within(plugin &self, std::chrono::milliseconds limit) {
    std::shared_ptr<helper> work = self.unloading();
    if (work == nullptr) {
        if (!self.retire()) {
            return true;
        }
        work = std::make_shared<helper>([&self] {
            self.core()->unload(&self);
            self.release();
        });
        self.retain(); // the helper's
        self.set_unloading(work);
        if (!work->run()) {
            self.release();
            set_error("epy_unload", self.path(),
                      "no thread for on_unload and to drop the script; both stay");
            return false;
        }
    }
    const gil_release meanwhile;
    if (!work->ends_within(limit)) {
        set_error("epy_unload", self.path(),
                  "on_unload is not over yet and goes on in the background; call epy_unload again "
                  "to wait longer");
        return false;
    }
    return true;
}

} // namespace

} // namespace epy

using epy::set_error;

extern "C" {

// ---- the life of a plugin

epy_plugin *epy_plugin_of(const void *handle_or_export) noexcept {
    return epy::guarded<epy_plugin *>("epy_plugin_of", nullptr, [&]() -> epy_plugin * {
        epy::stub_info *info =
            handle_or_export == nullptr ? nullptr : epy::find_plugin(handle_or_export);
        if (info == nullptr) {
            set_error("epy_plugin_of", nullptr,
                      "%p is neither a plugin's dlopen handle nor the address of an export",
                      handle_or_export);
            return nullptr;
        }
        return reinterpret_cast<epy_plugin *>(&epy::plugin::of(info));
    });
}

enum epy_state epy_plugin_state(const epy_plugin *given) noexcept {
    const epy::held_plugin self(given);
    if (!self) {
        return EPY_UNLOADED;
    }
    switch (self->now()) {
    case epy::plugin::phase::fresh:
        return EPY_NEW;
    case epy::plugin::phase::starting:
        return EPY_STARTING;
    case epy::plugin::phase::ready:
        return EPY_READY;
    case epy::plugin::phase::failed:
        return EPY_FAILED;
    case epy::plugin::phase::unloaded:
        break;
    }
    return EPY_UNLOADED;
}

int epy_start(epy_plugin *given) noexcept {
    return epy::guarded("epy_start", -1, [&] {
        const epy::held_plugin self(given);
        return epy::make_ready(self, "epy_start") ? 0 : -1;
    });
}

int epy_unload(epy_plugin *given, unsigned milliseconds) noexcept {
    return epy::guarded("epy_unload", -1, [&] {
        const epy::uncancelled whole;
        const epy::held_plugin self(given);
        if (!self) {
            return epy::missing("epy_unload", "the plugin", -1);
        }
        return epy::unload_within(*self.get(), std::chrono::milliseconds(milliseconds)) ? 0 : -1;
    });
}

int epy_set_python(const char *executable) noexcept {
    return epy::guarded("epy_set_python", -1, [&] {
        if (executable == nullptr || *executable == '\0') {
            return epy::missing("epy_set_python", "the executable", -1);
        }
        return epy::choose_python(executable) ? 0 : -1;
    });
}

int epy_each_export(epy_plugin *given, epy_visit_export *visit, void *user) noexcept {
    if (visit == nullptr) {
        return epy::missing("epy_each_export", "the function to call", -1);
    }
    std::vector<epy::one_export> all;
    const bool done = epy::with_plugin(
        given, "epy_each_export", false, [&](const epy::embed_api &python, epy::plugin *self) {
            const auto add = [](const char *name, const char *prototype, void *list) {
                try {
                    static_cast<std::vector<epy::one_export> *>(list)->push_back(
                        {name, prototype, nullptr});
                    return true;
                } catch (const std::bad_alloc &) {
                    return false;
                }
            };
            if (!python.each_export(self, add, &all)) {
                return false;
            }
            for (epy::one_export &one : all) {
                one.address = self->address_of(one.name.c_str());
            }
            return true;
        });
    if (!done) {
        return -1;
    }
    for (const epy::one_export &one : all) {
        if (const int result = visit(one.name.c_str(), one.prototype.c_str(), one.address, user);
            result != 0) {
            return result;
        }
    }
    return 0;
}

// ---- errors

const epy_error *epy_last_error_info() noexcept { return epy::last_error(); }

const char *epy_last_error() noexcept { return epy::last_error_line(); }

int epy_error_matches(const char *type) noexcept {
    return type != nullptr && epy::last_error_is(type) ? 1 : 0;
}

void epy_clear_error() noexcept {
    epy::clear_error();
    if (const epy::core_api *core = epy::the_core()) {
        core->embed->clear_raised();
    }
}

int epy_raise_va(const char *type, const char *format, va_list arguments) noexcept {
    return epy::guarded("epy_raise", -1, [&] {
        if (type == nullptr || format == nullptr) {
            return epy::missing("epy_raise", type == nullptr ? "the class" : "the format", -1);
        }
        char text[4096];
        std::vsnprintf(text, sizeof text, format, arguments);
        const epy::embed_api *python = epy::embedding("epy_raise");
        return python == nullptr ? -1 : python->raise(type, text);
    });
}

int epy_raise(const char *type, const char *format, ...) noexcept {
    va_list arguments;
    va_start(arguments, format);
    const int result = epy_raise_va(type, format, arguments);
    va_end(arguments);
    return result;
}

int epy_raise_errno(const char *file_name_or_null) noexcept {
    const int number = errno;
    return epy::with_python("epy_raise_errno", -1, [&](const epy::embed_api &python) {
        return python.raise_errno(number, file_name_or_null);
    });
}

int epy_raise_again() noexcept {
    return epy::with_python("epy_raise_again", -1,
                            [](const epy::embed_api &python) { return python.raise_again(); });
}

int epy_set_log(epy_plugin *given, epy_log_sink *sink, void *user) noexcept {
    return epy::guarded("epy_set_log", -1, [&] {
        const epy::held_plugin self(given);
        if (given != nullptr && !self) {
            return epy::missing("epy_set_log", "the plugin that is not closed", -1);
        }
        epy::set_sink(self.get(), self ? self->path() : nullptr, sink, user);
        return 0;
    });
}

// ---- objects: without the GIL, and without a look at errno, which nothing here changes

epy_object *epy_object_retain(epy_object *object) noexcept {
    const epy::core_api *core = epy::the_core();
    return core == nullptr ? nullptr : core->embed->retain(object);
}

void epy_object_release(epy_object *object) noexcept {
    if (const epy::core_api *core = epy::the_core()) {
        core->embed->release(object);
    }
}

uint64_t epy_object_refcount(const epy_object *object) noexcept {
    const epy::core_api *core = epy::the_core();
    return core == nullptr ? 0 : core->embed->count(object);
}

int epy_object_is(const epy_object *object, const char *class_name) noexcept {
    return epy::with_python("epy_object_is", -1, [&](const epy::embed_api &python) {
        return class_name == nullptr ? epy::missing("epy_object_is", "the name", -1)
                                     : python.is_a(object, class_name);
    });
}

const char *epy_object_class(const epy_object *object) noexcept {
    return epy::with_python<const char *>(
        "epy_object_class", nullptr,
        [&](const epy::embed_api &python) { return python.class_of(object); });
}

epy_object *epy_weak(epy_object *object) noexcept {
    return epy::with_python<epy_object *>(
        "epy_weak", nullptr, [&](const epy::embed_api &python) { return python.weak(object); });
}

epy_object *epy_weak_lock(epy_object *weak) noexcept {
    return epy::with_python<epy_object *>(
        "epy_weak_lock", nullptr, [&](const epy::embed_api &python) { return python.lock(weak); });
}

// ---- values and calls

epy_object *epy_build_va(const char *format, va_list arguments) noexcept {
    return epy::with_python<epy_object *>(
        "epy_build", nullptr, [&](const epy::embed_api &python) -> epy_object * {
            return format == nullptr
                       ? epy::missing<epy_object *>("epy_build", "the format", nullptr)
                       : python.build(format, arguments);
        });
}

epy_object *epy_build(const char *format, ...) noexcept {
    va_list arguments;
    va_start(arguments, format);
    epy_object *result = epy_build_va(format, arguments);
    va_end(arguments);
    return result;
}

int epy_parse_va(const epy_object *value, const char *format, va_list places) noexcept {
    return epy::with_python("epy_parse", -1, [&](const epy::embed_api &python) {
        return format == nullptr ? epy::missing("epy_parse", "the format", -1)
                                 : python.parse(value, format, places);
    });
}

int epy_parse(const epy_object *value, const char *format, ...) noexcept {
    va_list places;
    va_start(places, format);
    const int result = epy_parse_va(value, format, places);
    va_end(places);
    return result;
}

epy_object *epy_call_va(epy_plugin *given, const char *name, const char *format,
                        va_list arguments) noexcept {
    return epy::with_plugin<epy_object *>(
        given, "epy_call", nullptr,
        [&](const epy::embed_api &python, epy::plugin *self) -> epy_object * {
            return name == nullptr ? epy::missing<epy_object *>("epy_call", "the name", nullptr)
                                   : python.call(self, name, false, format, arguments);
        });
}

epy_object *epy_call(epy_plugin *given, const char *name, const char *format, ...) noexcept {
    va_list arguments;
    va_start(arguments, format);
    epy_object *result = epy_call_va(given, name, format, arguments);
    va_end(arguments);
    return result;
}

epy_object *epy_call_kw_va(epy_plugin *given, const char *name, const char *format,
                           va_list arguments) noexcept {
    return epy::with_plugin<epy_object *>(
        given, "epy_call_kw", nullptr,
        [&](const epy::embed_api &python, epy::plugin *self) -> epy_object * {
            return name == nullptr ? epy::missing<epy_object *>("epy_call_kw", "the name", nullptr)
                                   : python.call(self, name, true, format, arguments);
        });
}

epy_object *epy_call_kw(epy_plugin *given, const char *name, const char *format, ...) noexcept {
    va_list arguments;
    va_start(arguments, format);
    epy_object *result = epy_call_kw_va(given, name, format, arguments);
    va_end(arguments);
    return result;
}

int epy_call_into_va(epy_plugin *given, const char *name, const char *result, void *place,
                     const char *format, va_list arguments) noexcept {
    return epy::with_plugin(
        given, "epy_call_into", -1, [&](const epy::embed_api &python, epy::plugin *self) {
            return name == nullptr || result == nullptr || place == nullptr
                       ? epy::missing("epy_call_into", "the name, the result's format or place", -1)
                       : python.call_into(self, name, result, place, format, arguments);
        });
}

int epy_call_into(epy_plugin *given, const char *name, const char *result, void *place,
                  const char *format, ...) noexcept {
    va_list arguments;
    va_start(arguments, format);
    const int status = epy_call_into_va(given, name, result, place, format, arguments);
    va_end(arguments);
    return status;
}

epy_object *epy_call_object_va(epy_object *callable, const char *format,
                               va_list arguments) noexcept {
    return epy::with_python<epy_object *>(
        "epy_call_object", nullptr, [&](const epy::embed_api &python) {
            return python.call_object(callable, format, arguments);
        });
}

epy_object *epy_call_object(epy_object *callable, const char *format, ...) noexcept {
    va_list arguments;
    va_start(arguments, format);
    epy_object *result = epy_call_object_va(callable, format, arguments);
    va_end(arguments);
    return result;
}

epy_object *epy_call_method_va(epy_object *object, const char *method, const char *format,
                               va_list arguments) noexcept {
    return epy::with_python<epy_object *>(
        "epy_call_method", nullptr, [&](const epy::embed_api &python) -> epy_object * {
            return method == nullptr
                       ? epy::missing<epy_object *>("epy_call_method", "the name", nullptr)
                       : python.call_method(object, method, format, arguments);
        });
}

epy_object *epy_call_method(epy_object *object, const char *method, const char *format,
                            ...) noexcept {
    va_list arguments;
    va_start(arguments, format);
    epy_object *result = epy_call_method_va(object, method, format, arguments);
    va_end(arguments);
    return result;
}

epy_object *epy_get(epy_object *object, const char *attribute) noexcept {
    return epy::with_python<epy_object *>(
        "epy_get", nullptr, [&](const epy::embed_api &python) -> epy_object * {
            return attribute == nullptr ? epy::missing<epy_object *>("epy_get", "the name", nullptr)
                                        : python.get(object, attribute);
        });
}

int epy_set(epy_object *object, const char *attribute, epy_object *value) noexcept {
    return epy::with_python("epy_set", -1, [&](const epy::embed_api &python) {
        return attribute == nullptr ? epy::missing("epy_set", "the name", -1)
                                    : python.set(object, attribute, value);
    });
}

// ---- the host's own objects

int epy_register_class(const epy_class *host_class) noexcept {
    return epy::guarded("epy_register_class", -1, [&] {
        if (host_class == nullptr || host_class->name == nullptr) {
            return epy::missing("epy_register_class", "the class, or its name", -1);
        }
        return epy::register_class(*host_class) ? 0 : -1;
    });
}

epy_object *epy_wrap(const char *class_name, void *host_object) noexcept {
    return epy::with_python<epy_object *>(
        "epy_wrap", nullptr, [&](const epy::embed_api &python) -> epy_object * {
            return class_name == nullptr || host_object == nullptr
                       ? epy::missing<epy_object *>("epy_wrap", "the class or the object", nullptr)
                       : python.wrap(class_name, host_object);
        });
}

void *epy_unwrap(const epy_object *object, const char *class_name) noexcept {
    return epy::with_python<void *>(
        "epy_unwrap", nullptr, [&](const epy::embed_api &python) -> void * {
            return class_name == nullptr ? epy::missing<void *>("epy_unwrap", "the name", nullptr)
                                         : python.unwrap(object, class_name);
        });
}

// In a library's retain and release: where no Python runs they cost one look.
void epy_share(void *host_object, int is_shared) noexcept {
    if (const epy::core_api *core = epy::the_core()) {
        core->embed->share(host_object, is_shared != 0);
    }
}

void epy_forget(void *host_object) noexcept {
    if (const epy::core_api *core = epy::the_core()) {
        core->embed->forget(host_object);
    }
}

// ---- threads

int epy_enter(epy_scope *scope) noexcept {
    return epy::with_python("epy_enter", -1, [&](const epy::embed_api &python) {
        if (scope == nullptr) {
            return epy::missing("epy_enter", "the scope", -1);
        }
        return python.enter(scope) ? 0 : -1;
    });
}

void epy_leave(epy_scope *scope) noexcept {
    const epy::core_api *core = epy::the_core();
    if (core != nullptr && scope != nullptr) {
        core->embed->leave(scope);
    }
}

void epy_pause(epy_scope *scope) noexcept {
    const epy::core_api *core = epy::the_core();
    if (scope != nullptr) {
        *scope = {};
        if (core != nullptr) {
            core->embed->pause(scope);
        }
    }
}

void epy_resume(epy_scope *scope) noexcept {
    const epy::core_api *core = epy::the_core();
    if (core != nullptr && scope != nullptr) {
        core->embed->resume(scope);
    }
}

// ---- the table

EPY_API extern const epy_api epy_host_api;

#define EPY_MEMBER(name) .name = epy_##name
const epy_api epy_host_api = {
    .version = EPY_API_VERSION,
    .size = sizeof(epy_api),
    EPY_MEMBER(plugin_of),
    EPY_MEMBER(plugin_state),
    EPY_MEMBER(start),
    EPY_MEMBER(unload),
    EPY_MEMBER(set_python),
    EPY_MEMBER(each_export),
    EPY_MEMBER(last_error_info),
    EPY_MEMBER(last_error),
    EPY_MEMBER(error_matches),
    EPY_MEMBER(clear_error),
    EPY_MEMBER(raise),
    EPY_MEMBER(raise_va),
    EPY_MEMBER(raise_errno),
    EPY_MEMBER(raise_again),
    EPY_MEMBER(set_log),
    EPY_MEMBER(object_retain),
    EPY_MEMBER(object_release),
    EPY_MEMBER(object_refcount),
    EPY_MEMBER(object_is),
    EPY_MEMBER(object_class),
    EPY_MEMBER(weak),
    EPY_MEMBER(weak_lock),
    EPY_MEMBER(build),
    EPY_MEMBER(build_va),
    EPY_MEMBER(parse),
    EPY_MEMBER(parse_va),
    EPY_MEMBER(call),
    EPY_MEMBER(call_va),
    EPY_MEMBER(call_kw),
    EPY_MEMBER(call_kw_va),
    EPY_MEMBER(call_into),
    EPY_MEMBER(call_into_va),
    EPY_MEMBER(call_object),
    EPY_MEMBER(call_object_va),
    EPY_MEMBER(call_method),
    EPY_MEMBER(call_method_va),
    EPY_MEMBER(get),
    EPY_MEMBER(set),
    EPY_MEMBER(register_class),
    EPY_MEMBER(wrap),
    EPY_MEMBER(unwrap),
    EPY_MEMBER(share),
    EPY_MEMBER(forget),
    EPY_MEMBER(enter),
    EPY_MEMBER(leave),
    EPY_MEMBER(pause),
    EPY_MEMBER(resume),
};
#undef EPY_MEMBER

} // extern "C"
