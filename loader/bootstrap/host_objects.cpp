// Functions of epy.h: objects in the host's hands, and the host's own objects in Python.
#include "loader/bootstrap/host_classes.h"
#include "loader/bootstrap/host_guards.h"

extern "C" {

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

int epy_keep_alive(epy_object *nurse, epy_object *patient) noexcept {
    return epy::with_python("epy_keep_alive", -1, [&](const epy::embed_api &python) {
        return python.keep_alive(nurse, patient);
    });
}

} // extern "C"
