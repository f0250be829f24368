// Functions of epy.h: values by format, and calls by name.
#include <cstdarg>

#include "loader/bootstrap/host_guards.h"

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

} // extern "C"
