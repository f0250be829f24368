#include "loader/bootstrap/host_guards.h"

#include "loader/fp_environment.h"
#include "stub/uncancelled.h"

namespace epy {

int no_plugin(const char *function) noexcept {
    set_error(function, nullptr,
              "no plugin, or one that was closed: take it from epy_plugin_of after dlopen");
    return -1;
}

bool make_ready(const held_plugin &self, const char *function) {
    if (!self) {
        no_plugin(function);
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

} // namespace epy
