// Unloading a plugin, and leaving the process.
//
// A destructor runs under the dynamic loader's lock, on a thread that may or may not hold the GIL.
// The thread that holds the GIL may be waiting for that very lock (an import). So Python work is
// done by a helper thread, and the destructor waits for it at most two seconds; what is not done by
// then goes on in the background. A destructor whose thread holds the GIL does not wait at all: the
// helper needs the GIL, and once given up here it might never come back, because whoever has it
// then may want the dynamic loader's lock.
//
// A forked child has no helper and no business with its parent's plugins: nothing runs there.
#include "unload.h"

#include <pthread.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>

#include "cancellation.h"
#include "gil.h"
#include "plugin.h"
#include "python.h"
#include "report.h"

namespace epy {

namespace {

constexpr std::chrono::seconds patience{2};

// Set when exit functions have run: destructors that follow find Python's part done. If Python is
// not ours, its own exit does that part, before or after.
bool process_exits = false;

// One piece of Python work on a thread of its own, which may outlive whoever waits for it.
class helper : public std::enable_shared_from_this<helper> {
public:
    explicit helper(void (*work)(helper &, void *), void *argument)
        : work_(work), argument_(argument) {}

    // False if no thread could be made: the work is not done.
    bool run() {
        auto *self = new std::shared_ptr<helper>(shared_from_this());
        pthread_t thread{};
        const int problem = pthread_create(&thread, nullptr, &helper::main, self);
        if (problem != 0) {
            delete self;
            return false;
        }
        pthread_detach(thread);
        return true;
    }

    void reach(int stage) {
        const std::scoped_lock guard(mutex_);
        stage_ = stage;
        changed_.notify_all();
    }

    bool wait_for(int stage) {
        std::unique_lock guard(mutex_);
        return changed_.wait_for(guard, patience, [&] { return stage_ >= stage; });
    }

    void wait() {
        std::unique_lock guard(mutex_);
        changed_.wait(guard, [&] { return stage_ >= done; });
    }

    static constexpr int attached = 1;
    static constexpr int done = 2;

private:
    static void *main(void *shared) {
        const std::unique_ptr<std::shared_ptr<helper>> self(
            static_cast<std::shared_ptr<helper> *>(shared));
        helper &me = **self;
        me.work_(me, me.argument_);
        me.reach(done);
        return nullptr;
    }

    void (*work_)(helper &, void *);
    void *argument_;
    std::mutex mutex_;
    std::condition_variable changed_;
    int stage_ = 0;
};

pid_t starter_process = 0;

void run_exit_functions() {
    if (getpid() == starter_process) {
        auto leaving = std::make_shared<helper>(
            [](helper &me, void *core) {
                static_cast<const core_api *>(core)->at_exit(
                    [](void *waiting) { static_cast<helper *>(waiting)->reach(helper::attached); },
                    &me);
            },
            const_cast<core_api *>(the_core()));
        if (leaving->run()) {
            give_up_gil(); // for good: exit does not return to where it was taken
            if (leaving->wait_for(helper::attached)) {
                leaving->wait();
            } else {
                report("exit", "a Python thread did not give the interpreter up within 2 s: atexit "
                               "functions and unflushed output of Python are lost");
            }
        }
    }
    process_exits = true;
}

void run_hooks(plugin &dead) {
    auto work = std::make_shared<helper>(
        [](helper &, void *argument) {
            auto *self = static_cast<plugin *>(argument);
            self->core()->unload(self);
            self->release();
        },
        &dead);
    const std::string path = dead.path(); // the helper drops the plugin
    const bool is_alone = holds_gil();
    if (!work->run()) {
        report(path.c_str(), "no thread for on_unload and to drop the script; both stay");
    } else if (!is_alone && !work->wait_for(helper::done)) {
        report(path.c_str(),
               "on_unload did not finish within 2 s and goes on in the background; hooks run while "
               "the dynamic loader is locked and must not import modules or look up symbols");
    }
}

} // namespace

void unload(stub_info *info) noexcept {
    const uncancelled end;
    plugin *self = plugin::find(info);
    if (self == nullptr) {
        return;
    }
    self->mark_dead();
    if (process_exits || !self->belongs_to_this_process()) {
        return;
    }
    if (!self->starting().is_ready()) {
        self->release();
        return;
    }
    try {
        run_hooks(*self);
    } catch (const std::exception &) {
        report(self->path(),
               "no memory to run on_unload and drop the script; both stay as they are");
    }
}

void arrange_exit() noexcept {
    starter_process = getpid();
    // A child flushes what it has written; the core has dropped its parent's exit functions.
    pthread_atfork(nullptr, nullptr, [] { starter_process = getpid(); });
    std::atexit(run_exit_functions);
}

} // namespace epy
