#include "loader/bootstrap/awaited.h"

#include <atomic>
#include <memory>

#include "loader/bootstrap/helper.h"
#include "loader/bootstrap/python.h"

namespace epy {

bool find_awaited(pthread_t thread, pthread_t &awaited) noexcept {
    const core_api *core = the_core();
    if (core == nullptr) {
        return false;
    }
    try {
        auto found = std::make_shared<std::atomic<std::uintptr_t>>(0);
        auto asking = std::make_shared<helper>(
            [=] { found->store(core->awaited(static_cast<std::uintptr_t>(thread))); });
        if (!asking->run() || !asking->ends_within(helper::patience)) {
            return false;
        }
        awaited = static_cast<pthread_t>(found->load());
        return found->load() != 0;
    } catch (const std::exception &) {
        return false; // no memory
    }
}

} // namespace epy
