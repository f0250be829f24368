// Unloading a plugin, and leaving the process.
//
// A destructor runs under the dynamic loader's lock, on a thread that may or may not hold the GIL.
// The thread that holds the GIL may be waiting for that very lock (an import). So Python work is
// done by a helper thread, and the destructor waits for it at most two seconds; what is not done by
// then goes on in the background. A destructor whose thread holds the GIL does not wait at all: the
// helper needs the GIL, and once given up here it might never come back, because whoever has it
// then may want the dynamic loader's lock.
//
// dlclose unmaps the image when the destructor has returned. Where Python still has something of
// the plugin it is kept mapped until that is gone.
//
// A forked child has no helper and no business with its parent's plugins: nothing runs there.
#include "loader/bootstrap/unload.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <utility>

#include "loader/bootstrap/cancellation.h"
#include "loader/bootstrap/gil.h"
#include "loader/bootstrap/helper.h"
#include "loader/bootstrap/kept_image.h"
#include "loader/bootstrap/plugin.h"
#include "loader/bootstrap/python.h"
#include "loader/bootstrap/report.h"
#include "loader/patience.h"

namespace epy {

namespace {

// Exit has begun. The destructors that it runs are not those of a dlclose: calls go on.
std::atomic<bool> process_ends = false;

// Set when exit functions have run: destructors that follow find Python's part done. If Python is
// not ours, its own exit does that part, before or after.
bool process_exits = false;

// This thread runs Python's part of the exit, which may call exit again.
thread_local bool runs_exit_functions [[gnu::tls_model("initial-exec")]] = false;

pid_t starter_process = 0;

void run_exit_functions_here() {
    auto leaving = std::make_shared<helper>([core = the_core()](helper &me) {
        runs_exit_functions = true;
        core->at_exit(
            [](void *waiting) { static_cast<helper *>(waiting)->reach(helper::attached); }, &me);
    });
    if (!leaving->run()) {
        report("exit",
               "no thread for atexit functions and unflushed output of Python: both are lost");
        return;
    }
    give_up_gil(); // for good: exit does not return to where it was taken
    if (leaving->wait_for(helper::attached)) {
        const patience running("exit", "Python's exit functions have been running for 5 s; "
                                       "the process ends when they are over");
        leaving->wait();
    } else {
        report("exit", "a Python thread did not give the interpreter up within 2 s: atexit "
                       "functions and unflushed output of Python are lost");
    }
}

void run_exit_functions() {
    if (getpid() == starter_process && is_python_ours()) {
        try {
            run_exit_functions_here();
        } catch (const std::exception &) {
            report("exit",
                   "no memory for atexit functions and unflushed output of Python: both are "
                   "lost");
        }
    }
    process_exits = true;
}

void run_hooks(plugin &dead) {
    auto work = std::make_shared<helper>([&dead](helper &) {
        dead.core()->unload(&dead);
        dead.release();
    });
    const bool is_alone = holds_gil();
    dead.retain(); // the helper's
    if (!work->run()) {
        dead.release();
        report(dead.path(), "no thread for on_unload and to drop the script; both stay");
    } else if (!is_alone && !work->wait_for(helper::done)) {
        report(dead.path(),
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
    const bool has_script = self->mark_dead();
    const bool is_done = process_exits || runs_exit_functions;
    try {
        if (has_script && !is_done && self->belongs_to_this_process()) {
            run_hooks(*self);
        }
    } catch (const std::exception &) {
        report(self->path(),
               "no memory to run on_unload and drop the script; both stay as they are");
    }
    if (process_ends) {
        static_cast<void>(keep_mapped(info)); // for whoever still runs
    } else {
        self->leave_image();
    }
}

void arrange_exit(bool python_is_ours) noexcept {
    static bool done = false; // for an earlier Python
    if (std::exchange(done, true)) {
        return;
    }
    if (python_is_ours) {
        starter_process = getpid();
        // A child flushes what it has written; the core has dropped its parent's exit functions.
        pthread_atfork(nullptr, nullptr, [] { starter_process = getpid(); });
        std::atexit(run_exit_functions);
    }
    std::atexit([] { process_ends = true; });
}

} // namespace epy
