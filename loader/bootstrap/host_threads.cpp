// Functions of epy.h: threads that keep Python's lock, or give it away.
#include "loader/bootstrap/host_guards.h"

extern "C" {

// A scope of zeros is none: to leave it, or to leave one twice, does nothing.
int epy_enter(epy_scope *scope) noexcept {
    if (scope != nullptr) {
        *scope = {};
    }
    return epy::with_python("epy_enter", -1, [&](const epy::embed_api &python) {
        if (scope == nullptr) {
            return epy::missing("epy_enter", "the scope", -1);
        }
        if (!python.enter(scope)) {
            *scope = {};
            return -1;
        }
        return 0;
    });
}

void epy_leave(epy_scope *scope) noexcept {
    const epy::core_api *core = epy::the_core();
    if (core != nullptr && scope != nullptr) {
        core->embed->leave(scope);
        *scope = {};
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

} // extern "C"
