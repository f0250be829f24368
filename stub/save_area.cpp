// Finds out how the resolver can keep vector registers. Compiled with -mgeneral-regs-only, because
// it runs before they are saved; called on the first call of a plugin, because CPUID traps in some
// VMs.
#include "stub/save_area.h"

#include <cpuid.h>

#include "stub/layout.h"

extern "C" {

[[gnu::visibility("hidden")]] constinit std::uint32_t epy_save_kind = 0;
[[gnu::visibility("hidden")]] constinit std::uint32_t epy_save_size = 512;
[[gnu::visibility("hidden")]] constinit std::uint32_t epy_save_mask = 0;

namespace {

constexpr std::uint32_t sse = 1U << 1U;
constexpr std::uint32_t avx = 1U << 2U;
constexpr std::uint32_t avx512 = 7U << 5U; // opmask, high halves of zmm0-15, zmm16-31
constexpr std::uint32_t legacy_and_header = 512 + 64;

constexpr std::uint32_t round_up(std::uint32_t size) { return (size + 63U) & ~63U; }

} // namespace

[[gnu::visibility("hidden")]] void epy_detect_save_kind() noexcept {
    std::uint32_t a = 0;
    std::uint32_t b = 0;
    std::uint32_t c = 0;
    std::uint32_t d = 0;
    std::uint32_t kind = EPY_SAVE_FXSAVE;
    if (__get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_OSXSAVE) != 0) {
        std::uint32_t enabled = 0;
        std::uint32_t high = 0;
        __asm__("xgetbv" : "=a"(enabled), "=d"(high) : "c"(0));
        const std::uint32_t mask = enabled & (sse | avx | avx512);
        std::uint32_t standard = legacy_and_header;
        std::uint32_t compact = legacy_and_header;
        for (std::uint32_t component = 2; component < 8; ++component) {
            if ((mask >> component & 1U) == 0) {
                continue;
            }
            __cpuid_count(13, component, a, b, c, d);
            if (b + a > standard) {
                standard = b + a;
            }
            if ((c & 2U) != 0) {
                compact = round_up(compact);
            }
            compact += a;
        }
        __cpuid_count(13, 1, a, b, c, d);
        const bool has_xsavec = (a & 2U) != 0;
        kind = has_xsavec ? EPY_SAVE_XSAVEC : EPY_SAVE_XSAVE;
        epy_save_mask = mask;
        epy_save_size = round_up(has_xsavec ? compact : standard);
    }
    // Several threads may get here at once and write the same values.
    __atomic_store_n(&epy_save_kind, kind, __ATOMIC_RELEASE);
}

} // extern "C"
