#include "loader/bootstrap/introduce.h"

namespace epy {

namespace {

thread_local bool introducing = false;

} // namespace

// What Python would call to import the plugin finds the loader, which is there, and calls it.
void introduce(const stub_info &info) noexcept {
    const std::uintptr_t base = reinterpret_cast<std::uintptr_t>(&info) - info.self;
    introducing = true;
    reinterpret_cast<void *(*)() noexcept>(base + info.module_init)();
    introducing = false;
}

bool is_introducing() noexcept { return introducing; }

} // namespace epy
