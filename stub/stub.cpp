// The code of a plugin: first stage of the resolver, constructor, destructor.
//
// It runs inside any host, before and after Python, and can be unmapped by dlclose. So it is
// freestanding: no libstdc++, no allocation; the few libc functions it imports carry no version and
// are found in whichever libc the host has.
//
//   host -> trampoline -> record.code = epy_stub_resolver (saves every argument register)
//        -> epy_stub_resolve: opens libepy.so
//        -> jumps to loader_api::resolve with %r11 = record: nothing of the stub is on the stack
//           while Python starts.
#include "stub/stub.h"

#include <dlfcn.h>
#include <errno.h>

#include "stub/opening.h"
#include "stub/self.h"

using epy::find_loader;
using epy::loader_api;
using epy::opened_loader;
using epy::record;
namespace self = epy::self;

namespace {

struct jump {
    void (*code)();
    const record *r11;
};

constexpr record returns_zero{};

} // namespace

extern "C" {
[[gnu::visibility("hidden")]] void epy_stub_error_value();

// dlsym looks behind the object that calls it: the call must be made from here, and not as a tail
// call.
[[gnu::visibility("hidden"), gnu::noinline]] void *epy_stub_next(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    __asm__ volatile("" : "+r"(found));
    return found;
}

// PyInit_NAME, for a Python that finds plugin.so where it looks for plugin.py. Python keeps the
// plugin open: nothing of the stub is unmapped under this call.
[[gnu::visibility("hidden")]] void *epy_stub_module_init() noexcept {
    const loader_api *api = find_loader();
    return api == nullptr ? nullptr : api->module_init(&epy_stub_info);
}

// epy.h: what a host that has no more than the plugin's handle finds in it by this name. Null after
// a line that says why; the plugin itself does not start.
[[gnu::visibility("default")]] const void *epy_plugin_api() noexcept {
    if (find_loader() == nullptr) {
        return nullptr;
    }
    void *loader = dlopen(epy::loader_soname, RTLD_NOW | RTLD_NOLOAD); // never unmapped: once more
    return loader == nullptr ? nullptr : dlsym(loader, epy::host_api_symbol);
}

[[gnu::visibility("hidden")]] jump epy_stub_resolve(const record *called) noexcept {
    const int saved_errno = errno;
    jump next{nullptr, called};
    if (const loader_api *api = find_loader(); api != nullptr) {
        next.code = api->resolve;
    } else if (const char *name = self::is_damaged() ? nullptr : self::name_of_slot(called->index);
               name != nullptr) {
        next.code = reinterpret_cast<void (*)()>(epy_stub_next(name));
    }
    if (next.code == nullptr) {
        next = {epy_stub_error_value, self::records_are_whole() ? called : &returns_zero};
    }
    errno = saved_errno;
    return next;
}

} // extern "C"

namespace {

[[gnu::constructor]] void on_load() {
    if ((epy_stub_info.flags & (epy::stub_eager | epy::stub_bare)) == 0) {
        return;
    }
    if (const loader_api *api = find_loader(); api != nullptr) {
        api->attach(&epy_stub_info);
    }
}

[[gnu::destructor]] void on_unload() {
    if (const loader_api *api = opened_loader(); api != nullptr) {
        api->unload(&epy_stub_info);
    }
}

} // namespace
