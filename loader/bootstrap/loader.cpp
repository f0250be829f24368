// libepy.so: one per process, never unmapped. This is all that plugins and epy's Python side see of
// it.
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "cancellation.h"
#include "gil.h"
#include "plugin.h"
#include "report.h"
#include "resolve.h"
#include "unload.h"

namespace epy {

namespace {

// Python inside dlopen can hang for reasons that lie in the host: say what to do if it seems to.
class watchdog {
public:
    explicit watchdog(const char *path) : thread_([this, path] { watch(path); }) {}
    ~watchdog() {
        {
            const std::scoped_lock guard(mutex_);
            over_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }
    watchdog(const watchdog &) = delete;
    watchdog &operator=(const watchdog &) = delete;

private:
    void watch(const char *path) {
        std::unique_lock guard(mutex_);
        if (!changed_.wait_for(guard, std::chrono::seconds(5), [this] { return over_; })) {
            report(path, "its script has been running inside dlopen for 5 s, under the dynamic "
                         "loader's lock; if it hangs, build it without --eager");
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    bool over_ = false;
    std::thread thread_;
};

void attach(stub_info *info) noexcept {
    const uncancelled start;
    plugin &self = plugin::of(info);
    if (foreign_python_is_running()) {
        report(
            self.path(),
            "loaded by a thread that does not hold the interpreter lock of the Python in this "
            "process, where running the script inside dlopen could hang; build it without --eager");
        return;
    }
    if (self.starting().begin() == turn::ours) {
        const watchdog dog(self.path());
        self.starting().finish(self.run());
    }
}

} // namespace

} // namespace epy

extern "C" [[gnu::visibility("default")]] const epy::loader_api epy_loader;

extern "C" const epy::loader_api epy_loader = {
    epy::oldest_contract_version,
    epy::contract_version,
    epy_loader_resolver,
    epy::attach,
    epy::unload,
};
