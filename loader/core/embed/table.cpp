// What the loader's functions of epy.h find in Python: embed_api.
#include "loader/core/embed/attached.h"
#include "loader/core/embed/callbacks.h"
#include "loader/core/embed/calls.h"
#include "loader/core/embed/host_object.h"
#include "loader/core/embed/memory.h"
#include "loader/core/embed/objects.h"
#include "loader/core/embed/raise.h"
#include "loader/core/embed/scopes.h"
#include "loader/core/embed/values.h"
#include "loader/core/package.h"

namespace epy {

namespace {

void serve_host(const host_services *services) noexcept { host = services; }

bool each_export(plugin *whose, bool (*visit)(const char *, const char *, void *),
                 void *user) noexcept {
    return attached("epy_each_export", whose, false, [=](module_state &state) {
        PyObject *native = native_of(state, whose);
        const ref all = native == nullptr ? ref() : package::call(package::list_exports, {native});
        for (Py_ssize_t i = 0; all && i < PyList_GET_SIZE(all.get()); ++i) {
            const char *name = nullptr;
            const char *prototype = nullptr;
            if (PyArg_ParseTuple(PyList_GET_ITEM(all.get(), i), "ss", &name, &prototype) == 0) {
                return false;
            }
            if (!visit(name, prototype, user)) {
                PyErr_NoMemory();
                return false;
            }
        }
        return static_cast<bool>(all);
    });
}

epy_object *build(const char *format, std::va_list values) noexcept {
    return attached<epy_object *>("epy_build", nullptr, nullptr, [&](module_state &state) {
        return given_to_host(state, embed::build(state, format, values));
    });
}

int parse(const epy_object *value, const char *format, std::va_list places) noexcept {
    return attached("epy_parse", nullptr, -1, [&](module_state &state) {
        const ref found = object_at(state, value);
        return found && embed::parse(state, found.get(), format, places) ? 0 : -1;
    });
}

} // namespace

const embed_api the_embed_api = {
    .serve = serve_host,
    .each_export = each_export,
    .raise = embed::raise,
    .raise_errno = embed::raise_errno,
    .raise_again = embed::raise_again,
    .clear_raised = embed::clear_raised,
    .retain = embed::retain,
    .release = embed::release,
    .count = embed::count,
    .is_a = embed::is_a,
    .class_of = embed::class_of,
    .weak = embed::weak,
    .lock = embed::lock,
    .build = build,
    .parse = parse,
    .call = embed::call,
    .call_into = embed::call_into,
    .call_object = embed::call_object,
    .call_method = embed::call_method,
    .take_stolen = embed::take_stolen,
    .get = embed::get,
    .set = embed::set,
    .wrap = embed::wrap,
    .unwrap = embed::unwrap,
    .share = embed::share,
    .forget = embed::forget,
    .retain_callback = embed::retain_callback,
    .release_callback = embed::release_callback,
    .is_live_callback = embed::is_live_callback,
    .new_callback = embed::new_callback,
    .keep_alive = embed::keep_alive,
    .memory = embed::memory,
    .buffer = embed::buffer,
    .enter = embed::enter,
    .leave = embed::leave,
    .pause = embed::pause,
    .resume = embed::resume,
};

} // namespace epy
