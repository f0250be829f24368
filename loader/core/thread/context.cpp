#include "loader/core/thread/context.h"

namespace epy {

constinit thread_local call_context running;

call_extras &extras_of_this_call() {
    if (running.extras == nullptr) {
        running.extras = new call_extras;
    }
    return *running.extras;
}

} // namespace epy
