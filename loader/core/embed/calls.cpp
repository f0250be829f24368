#include "loader/core/embed/calls.h"

#include "loader/core/embed/attached.h"
#include "loader/core/embed/values.h"
#include "loader/core/package.h"

namespace epy::embed {

namespace {

// The last of the arguments, which is a dict, has the keywords.
ref call_with_keywords(PyObject *function, const ref &arguments) {
    const Py_ssize_t count = PyTuple_GET_SIZE(arguments.get()) - 1;
    PyObject *keywords = count < 0 ? nullptr : PyTuple_GET_ITEM(arguments.get(), count);
    if (keywords == nullptr || PyDict_Check(keywords) == 0) {
        PyErr_SetString(PyExc_TypeError, "the last value is no dict of keywords: \"i{s:i}\"");
        return {};
    }
    ref others(PyTuple_GetSlice(arguments.get(), 0, count));
    if (others && count == 1 && PyTuple_Check(PyTuple_GET_ITEM(others.get(), 0))) {
        others = ref::borrowed(PyTuple_GET_ITEM(others.get(), 0));
    }
    return ref(others ? PyObject_Call(function, others.get(), keywords) : nullptr);
}

ref call_function(module_state &state, const ref &function, bool keywords, const char *format,
                  std::va_list values) {
    if (!function) {
        const exception_set_aside why;
        build_arguments(state, format, values); // for what it steals
        PyErr_Clear();
        return {};
    }
    const ref arguments = build_arguments(state, format, values);
    if (!arguments) {
        return {};
    }
    return keywords ? call_with_keywords(function.get(), arguments)
                    : ref(PyObject_Call(function.get(), arguments.get(), nullptr));
}

ref function_of(module_state &state, plugin *whose, const char *name) {
    PyObject *native = native_of(state, whose);
    const ref text(native == nullptr ? nullptr : PyUnicode_FromString(name));
    return text ? package::call(package::find_function, {native, text.get()}) : ref();
}

} // namespace

epy_object *call(plugin *whose, const char *name, bool keywords, const char *format,
                 std::va_list values) noexcept {
    const char *const api = keywords ? "epy_call_kw" : "epy_call";
    return attached<epy_object *>(api, whose, nullptr, [&](module_state &state) {
        const ref function = function_of(state, whose, name);
        return given_to_host(state, call_function(state, function, keywords, format, values));
    });
}

int call_into(plugin *whose, const char *name, const char *result, void *place, const char *format,
              std::va_list values) noexcept {
    return attached("epy_call_into", whose, -1, [&](module_state &state) {
        const ref function = function_of(state, whose, name);
        const ref made = call_function(state, function, false, format, values);
        return made && parse_into(state, made.get(), result, place) ? 0 : -1;
    });
}

epy_object *call_object(epy_object *callable, bool keywords, const char *format,
                        std::va_list values) noexcept {
    const char *const api = keywords ? "epy_call_object_kw" : "epy_call_object";
    return attached<epy_object *>(api, nullptr, nullptr, [&](module_state &state) {
        const ref function = object_at(state, callable);
        return given_to_host(state, call_function(state, function, keywords, format, values));
    });
}

epy_object *call_method(epy_object *object, const char *method, bool keywords, const char *format,
                        std::va_list values) noexcept {
    const char *const api = keywords ? "epy_call_method_kw" : "epy_call_method";
    return attached<epy_object *>(api, nullptr, nullptr, [&](module_state &state) {
        const ref self = object_at(state, object);
        const ref function(self ? PyObject_GetAttrString(self.get(), method) : nullptr);
        return given_to_host(state, call_function(state, function, keywords, format, values));
    });
}

void take_stolen(const char *format, std::va_list values) noexcept {
    attached("epy_call", nullptr, 0, [&](module_state &state) {
        build_arguments(state, format, values);
        PyErr_Clear();
        return 0;
    });
}

} // namespace epy::embed
