// What the end of Python has to do with calls: it waits for those that are inside, and those that
// come behind it are told.
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

#include "loader/core/thread/threads.h"

namespace epy {

void wait_for_calls_inside() noexcept {
    constexpr timespec a_while = {0, 1'000'000};
    constexpr int patience_in_milliseconds = 1000;
    // Where the kernel refuses, what another thread has stored is seen a moment later.
    syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    const thread_block *const own = attachment::mine.block;
    if (!is_another_inside(own)) {
        return;
    }
    PyThreadState *const state = PyEval_SaveThread();
    for (int waited = 0; is_another_inside(own) && waited < patience_in_milliseconds; ++waited) {
        nanosleep(&a_while, nullptr);
    }
    run_python([state] { PyEval_RestoreThread(state); });
}

void (*complain_of_end)(const char *label) noexcept = nullptr;

// The one that finalizes has the only state that is left.
bool outlives_python() noexcept {
    const PyThreadState *const own = PyGILState_GetThisThreadState();
    PyInterpreterState *const main = PyInterpreterState_Main();
    return own == nullptr || main == nullptr || own == PyInterpreterState_ThreadHead(main);
}

void refuse_for_end(const char *label) noexcept {
    if (complain_of_end != nullptr && outlives_python()) {
        complain_of_end(label);
    }
}

} // namespace epy
