// Functions of epy.h: callbacks, and memory with an owner.
#include "loader/bootstrap/host_guards.h"

extern "C" {

// ---- callbacks

int epy_callback_retain(epy_function *callback) noexcept {
    return epy::with_python("epy_callback_retain", -1, [&](const epy::embed_api &python) {
        return python.retain_callback(reinterpret_cast<void *>(callback));
    });
}

void epy_callback_release(epy_function *callback) noexcept {
    if (const epy::core_api *core = epy::the_core()) {
        core->embed->release_callback(reinterpret_cast<void *>(callback));
    }
}

int epy_callback_is_live(epy_function *callback) noexcept {
    const epy::core_api *core = epy::the_core();
    return core == nullptr ? 0 : core->embed->is_live_callback(reinterpret_cast<void *>(callback));
}

epy_function *epy_callback_new(epy_object *callable, const char *c_prototype,
                               epy_object *error) noexcept {
    return reinterpret_cast<epy_function *>(epy::with_python<void *>(
        "epy_callback_new", nullptr, [&](const epy::embed_api &python) -> void * {
            return c_prototype == nullptr
                       ? epy::missing<void *>("epy_callback_new", "the prototype", nullptr)
                       : python.new_callback(callable, c_prototype, error);
        }));
}

// ---- memory

epy_object *epy_memory(void *memory, size_t bytes, int writable, void (*release)(void *user),
                       void *user) noexcept {
    return epy::with_python<epy_object *>("epy_memory", nullptr, [&](const epy::embed_api &python) {
        return python.memory(memory, bytes, writable != 0, release, user);
    });
}

epy_object *epy_buffer(epy_object *object, int writable, void **memory, size_t *bytes) noexcept {
    return epy::with_python<epy_object *>(
        "epy_buffer", nullptr, [&](const epy::embed_api &python) -> epy_object * {
            return memory == nullptr || bytes == nullptr
                       ? epy::missing<epy_object *>("epy_buffer", "a place for the bytes", nullptr)
                       : python.buffer(object, writable != 0, memory, bytes);
        });
}

} // extern "C"
