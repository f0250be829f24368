#include "loader/core/plugin/callers.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <string_view>

#include "loader/core/py.h"

namespace epy {

namespace {

using needed_by_function = const char *(const void *caller) noexcept;
// Hosts may ask while a start sets it.
std::atomic<needed_by_function *> python_needed_by = nullptr;

#define EPY_TEXT_(number) #number
#define EPY_TEXT(number) EPY_TEXT_(number)
constexpr char this_version[] = "3." EPY_TEXT(PY_MINOR_VERSION);

} // namespace

void ask_for_callers(const char *(*needed_by)(const void *caller) noexcept) noexcept {
    python_needed_by = needed_by;
}

// Remembered for libraries that ask often.
bool is_host(const void *caller) noexcept {
    static std::atomic<std::uintptr_t> known[16];
    const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(caller) << 1U;
    std::atomic<std::uintptr_t> &place = known[(address >> 5U) % std::size(known)];
    std::uintptr_t found = place.load(std::memory_order_relaxed);
    if ((found & ~std::uintptr_t{1}) != address) {
        found = address | (python_needed_by.load()(caller) != nullptr ? 1U : 0U);
        place.store(found, std::memory_order_relaxed);
    }
    return (found & 1U) != 0;
}

const char *objection_to(const void *caller, const char *function) noexcept {
    const char *needed = python_needed_by.load()(caller);
    if (needed == nullptr || *needed == '\0') {
        return nullptr;
    }
    const std::string_view version(needed + std::strlen("libpython"));
    if (version.starts_with(this_version) &&
        std::strchr("0123456789", version[sizeof this_version - 1]) == nullptr) {
        return nullptr;
    }
    static char text[400];
    std::snprintf(text, sizeof text,
                  "%s: a library of the host's needs %s, but a plugin of epy has started Python "
                  "%s in this process; build the plugin for that Python ('epy build --python'), "
                  "or let the host initialize its own before the plugin is called",
                  function, needed, this_version);
    return text;
}

} // namespace epy
