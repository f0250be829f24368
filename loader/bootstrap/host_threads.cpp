// Functions of epy.h: threads that keep Python's lock, or give it away.
#include "loader/bootstrap/host_guards.h"

extern "C" {

int epy_enter(epy_scope *scope) noexcept {
    return epy::with_python("epy_enter", -1, [&](const epy::embed_api &python) {
        return scope == nullptr      ? epy::missing("epy_enter", "the scope", -1)
               : python.enter(scope) ? 0
                                     : -1;
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
    if (core != nullptr && scope != nullptr) {
        core->embed->pause(scope);
    }
}

void epy_resume(epy_scope *scope) noexcept {
    const epy::core_api *core = epy::the_core();
    if (core != nullptr && scope != nullptr) {
        core->embed->resume(scope);
    }
}

} // extern "C"
