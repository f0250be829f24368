// Leaving the process: Python's exit functions, if epy started Python.
//
// They run on the thread that exits, as exit's own functions do: they may call exit again, which
// the C library lets that thread do alone, and holds others for good.
//
// A thread that waits for the GIL waits without a limit, and somebody may have the GIL who never
// gives it up. So another thread, the companion, takes it first; the exiting thread waits for that
// a while only, and then takes the GIL over. The companion never ends: the process may have been
// left by all its other threads, and the C library calls exit on a thread that ends as the last.
#include "loader/bootstrap/leaving.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "loader/bootstrap/gil.h"
#include "loader/bootstrap/helper.h"
#include "loader/bootstrap/python.h"
#include "loader/bootstrap/report.h"
#include "loader/immortal.h"
#include "loader/kernel.h"
#include "loader/patience.h"
#include "loader/signals_blocked.h"

namespace epy {

namespace {

std::atomic<bool> process_ends = false;

// Exit functions have run. If Python is not ours, its own exit does that part, before or after.
bool process_exits = false;

thread_local bool runs_exit_functions [[gnu::tls_model("initial-exec")]] = false;

pid_t starter_process = 0;

class companion {
public:
    // `gil_is_held`: by the calling thread. False if no thread could be made.
    bool start(bool gil_is_held) noexcept {
        stage_ = gil_is_held ? stage::runs : stage::waits;
        pthread_t thread{};
        const signals_blocked quiet;
        return pthread_create(
                   &thread, nullptr,
                   [](void *self) -> void * { static_cast<companion *>(self)->accompany(); },
                   this) == 0;
    }

    // False if the GIL was not to be had in time: it is not waited for any more.
    bool get_gil() noexcept {
        std::unique_lock guard(*mutex_);
        const bool is_held = (*changed_).wait_for(guard, helper::patience,
                                                  [this] { return stage_ == stage::holds; });
        stage_ = is_held ? stage::runs : stage::over;
        (*changed_).notify_all();
        return is_held;
    }

    void end() noexcept {
        const std::scoped_lock guard(*mutex_);
        stage_ = stage::over;
        (*changed_).notify_all();
    }

private:
    enum class stage {
        waits, // for the GIL
        holds, // it, until the exiting thread asks for it
        runs,  // exit functions, on the exiting thread
        over
    };

    [[noreturn]] void accompany() noexcept {
        if (is(stage::waits)) {
            the_core()->with_gil([](void *self) { static_cast<companion *>(self)->hold(); }, this);
        }
        {
            std::unique_lock guard(*mutex_);
            if (!(*changed_).wait_for(guard, std::chrono::seconds(patience::seconds),
                                      [this] { return stage_ == stage::over; })) {
                report("exit", "Python's exit functions have been running for 5 s; the process "
                               "ends when they are over");
            }
        }
        for (;;) {
            pause();
        }
    }

    void hold() noexcept {
        std::unique_lock guard(*mutex_);
        if (stage_ == stage::waits) {
            stage_ = stage::holds;
            (*changed_).notify_all();
            (*changed_).wait(guard, [this] { return stage_ != stage::holds; });
        }
    }

    bool is(stage wanted) noexcept {
        const std::scoped_lock guard(*mutex_);
        return stage_ == wanted;
    }

    immortal<std::mutex> mutex_;
    immortal<std::condition_variable> changed_;
    stage stage_ = stage::waits;
};

companion the_companion;

void run_exit_functions_here() {
    const bool gil_is_held = holds_gil();
    if (!the_companion.start(gil_is_held) && !gil_is_held) {
        report("exit",
               "no thread for atexit functions and unflushed output of Python: both are lost");
    } else if (!gil_is_held && !the_companion.get_gil()) {
        report("exit", "a Python thread did not give the interpreter up within 2 s: atexit "
                       "functions and unflushed output of Python are lost");
    } else {
        the_core()->at_exit();
        the_companion.end();
    }
}

void run_exit_functions() {
    process_ends = true;
    if (kernel::process() == starter_process && is_python_ours()) {
        runs_exit_functions = true;
        run_exit_functions_here();
    }
    process_exits = true;
}

} // namespace

void arrange_exit(bool python_is_ours) noexcept {
    static bool end_is_noted = false; // for an earlier Python
    static bool functions_run = false;
    if (!std::exchange(end_is_noted, true)) {
        std::atexit([] { process_ends = true; });
    }
    if (python_is_ours && !std::exchange(functions_run, true)) {
        starter_process = kernel::process();
        // A child flushes what it has written; the core has dropped its parent's exit functions.
        pthread_atfork(nullptr, nullptr, [] { starter_process = kernel::process(); });
        std::atexit(run_exit_functions);
    }
}

bool is_process_ending() noexcept { return process_ends; }

bool is_python_left() noexcept { return process_exits || runs_exit_functions; }

} // namespace epy
