#include "loader/core/plugin/python_now.h"

#include <sys/single_threaded.h>

#include <ctime>
#include <optional>

#include "loader/core/plugin/last_functions.h"
#include "loader/core/plugin/preconfiguration.h"
#include "loader/core/thread/threads.h"
#include "loader/patience.h"

namespace epy {

// From its first step to the last Python is preinitialized, and soon it has an interpreter. A host
// may also have preinitialized it for later. While its last functions run it has none any more, and
// nothing tells of which thread: so they are waited for, but not for ever.
python_now look_for_python(int (*is_initialized)(), const char *plugin) noexcept {
    constexpr timespec a_while = {0, 500'000};
    constexpr int looks_for_begin = 4;
    constexpr int looks_for_change = 100;
    int looks = __libc_single_threaded != 0 ? looks_for_change : 0;
    std::optional<patience> waiting;
    while (is_initialized() == 0) {
        if (PyInterpreterState_Main() != nullptr) {
            if (PyGILState_GetThisThreadState() != nullptr && outlives_python()) {
                return python_now::between;
            }
            looks = 0;
            if (!waiting) {
                waiting.emplace(plugin,
                                "has been waiting for 5 s for a host that begins or ends Python");
            }
        } else if (epy_runs_last_functions() != 0) {
            if (looks >= looks_for_change) {
                return python_now::between;
            }
        } else if (looks >= (epy_is_preinitialized() != 0 ? looks_for_change : looks_for_begin)) {
            return python_now::none;
        }
        ++looks;
        nanosleep(&a_while, nullptr);
    }
    return python_now::initialized;
}

} // namespace epy
