// The assembly entry (call_entry_x86_64.S) where the call frame is enough, libffi's elsewhere.
#include <algorithm>

#include "loader/core/call/closure.h"
#include "loader/core/call/entry.h"

extern "C" {
[[gnu::visibility("hidden")]] void epy_call_entry();
[[gnu::visibility("hidden")]] void epy_call_entry_general();
[[gnu::visibility("hidden")]] void epy_call_entry_sub();
}

namespace epy {

bool make_entry(call_record &native, const signature &types) {
    if (!types.fits_frame) {
        return make_closure(native, types);
    }
    native.native_code.reset();
    if (native.interpreter != nullptr) {
        native.head.code = epy_call_entry_sub;
        return true;
    }
    const bool vector =
        std::any_of(types.parameters.begin(), types.parameters.end(),
                    [](const parameter &one) { return one.form.parts[0] == eightbyte::sse; });
    native.head.code = vector ? epy_call_entry : epy_call_entry_general;
    return true;
}

} // namespace epy
