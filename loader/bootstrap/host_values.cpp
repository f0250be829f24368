// Functions of epy.h: values by format, and calls by name.
#include <cstdarg>

#include "loader/bootstrap/host_guards.h"

namespace epy {

namespace {

// The values of a call. What their format steals is taken also if the call is not made: the plugin
// does not start, or a name is missing.
class call_values {
public:
    call_values(const char *format, va_list values) noexcept : format_(format) {
        va_copy(values_, values);
    }
    ~call_values() {
        const core_api *core = is_read_ || format_ == nullptr ? nullptr : the_core();
        if (core != nullptr) {
            guarded("epy_call", 0, [&] {
                core->embed->take_stolen(format_, values_);
                return 0;
            });
        }
        va_end(values_);
    }
    call_values(const call_values &) = delete;
    call_values &operator=(const call_values &) = delete;

    // For a function of the core's, which reads them.
    va_list &read() noexcept {
        is_read_ = true;
        return values_;
    }

private:
    const char *format_;
    va_list values_;
    bool is_read_ = false;
};

epy_object *call_by_name(const char *function, epy_plugin *given, const char *name, bool keywords,
                         const char *format, va_list arguments) noexcept {
    call_values values(format, arguments);
    return with_plugin<epy_object *>(
        given, function, nullptr, [&](const embed_api &python, plugin *self) -> epy_object * {
            return name == nullptr ? missing<epy_object *>(function, "the name", nullptr)
                                   : python.call(self, name, keywords, format, values.read());
        });
}

epy_object *call_object(const char *function, epy_object *callable, bool keywords,
                        const char *format, va_list arguments) noexcept {
    return with_python<epy_object *>(function, nullptr, [&](const embed_api &python) {
        return python.call_object(callable, keywords, format, arguments);
    });
}

epy_object *call_method(const char *function, epy_object *object, const char *method, bool keywords,
                        const char *format, va_list arguments) noexcept {
    call_values values(format, arguments);
    return with_python<epy_object *>(
        function, nullptr, [&](const embed_api &python) -> epy_object * {
            return method == nullptr
                       ? missing<epy_object *>(function, "the name", nullptr)
                       : python.call_method(object, method, keywords, format, values.read());
        });
}

} // namespace

} // namespace epy

// What a variadic function does: its namesake, with the values behind a parameter. Only the
// preprocessor can write va_start once for all.
#define EPY_WITH_VALUES(last, call)                                                                \
    va_list values;                                                                                \
    va_start(values, last);                                                                        \
    const auto answer = call;                                                                      \
    va_end(values);                                                                                \
    return answer

extern "C" {

epy_object *epy_build_va(const char *format, va_list arguments) noexcept {
    return epy::with_python<epy_object *>(
        "epy_build", nullptr, [&](const epy::embed_api &python) -> epy_object * {
            return format == nullptr
                       ? epy::missing<epy_object *>("epy_build", "the format", nullptr)
                       : python.build(format, arguments);
        });
}

epy_object *epy_build(const char *format, ...) noexcept {
    EPY_WITH_VALUES(format, epy_build_va(format, values));
}

int epy_parse_va(const epy_object *value, const char *format, va_list places) noexcept {
    return epy::with_python("epy_parse", -1, [&](const epy::embed_api &python) {
        return format == nullptr ? epy::missing("epy_parse", "the format", -1)
                                 : python.parse(value, format, places);
    });
}

int epy_parse(const epy_object *value, const char *format, ...) noexcept {
    EPY_WITH_VALUES(format, epy_parse_va(value, format, values));
}

epy_object *epy_call_va(epy_plugin *plugin, const char *name, const char *format,
                        va_list arguments) noexcept {
    return epy::call_by_name("epy_call", plugin, name, false, format, arguments);
}

epy_object *epy_call(epy_plugin *plugin, const char *name, const char *format, ...) noexcept {
    EPY_WITH_VALUES(format, epy_call_va(plugin, name, format, values));
}

epy_object *epy_call_kw_va(epy_plugin *plugin, const char *name, const char *format,
                           va_list arguments) noexcept {
    return epy::call_by_name("epy_call_kw", plugin, name, true, format, arguments);
}

epy_object *epy_call_kw(epy_plugin *plugin, const char *name, const char *format, ...) noexcept {
    EPY_WITH_VALUES(format, epy_call_kw_va(plugin, name, format, values));
}

int epy_call_into_va(epy_plugin *given, const char *name, const char *result, void *place,
                     const char *format, va_list arguments) noexcept {
    epy::call_values values(format, arguments);
    return epy::with_plugin(
        given, "epy_call_into", -1, [&](const epy::embed_api &python, epy::plugin *self) {
            return name == nullptr || result == nullptr || place == nullptr
                       ? epy::missing("epy_call_into", "the name, the result's format or place", -1)
                       : python.call_into(self, name, result, place, format, values.read());
        });
}

int epy_call_into(epy_plugin *plugin, const char *name, const char *result, void *place,
                  const char *format, ...) noexcept {
    EPY_WITH_VALUES(format, epy_call_into_va(plugin, name, result, place, format, values));
}

epy_object *epy_call_object_va(epy_object *callable, const char *format,
                               va_list arguments) noexcept {
    return epy::call_object("epy_call_object", callable, false, format, arguments);
}

epy_object *epy_call_object(epy_object *callable, const char *format, ...) noexcept {
    EPY_WITH_VALUES(format, epy_call_object_va(callable, format, values));
}

epy_object *epy_call_method_va(epy_object *object, const char *method, const char *format,
                               va_list arguments) noexcept {
    return epy::call_method("epy_call_method", object, method, false, format, arguments);
}

epy_object *epy_call_method(epy_object *object, const char *method, const char *format,
                            ...) noexcept {
    EPY_WITH_VALUES(format, epy_call_method_va(object, method, format, values));
}

epy_object *epy_call_object_kw_va(epy_object *callable, const char *format,
                                  va_list arguments) noexcept {
    return epy::call_object("epy_call_object_kw", callable, true, format, arguments);
}

epy_object *epy_call_object_kw(epy_object *callable, const char *format, ...) noexcept {
    EPY_WITH_VALUES(format, epy_call_object_kw_va(callable, format, values));
}

epy_object *epy_call_method_kw_va(epy_object *object, const char *method, const char *format,
                                  va_list arguments) noexcept {
    return epy::call_method("epy_call_method_kw", object, method, true, format, arguments);
}

epy_object *epy_call_method_kw(epy_object *object, const char *method, const char *format,
                               ...) noexcept {
    EPY_WITH_VALUES(format, epy_call_method_kw_va(object, method, format, values));
}

} // extern "C"

#undef EPY_WITH_VALUES
