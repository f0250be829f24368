// Threads of epy's own are made with the signals of the process blocked, and have them so for good.
// The host does not know these threads: a handler of its own that ran on one would run beside what
// it believes it has kept signals out of, and find none of its thread-local data. A fault is its
// thread's own, and reported by whatever handler the host has for it.
//
// Where a thread runs a script it is otherwise: what that starts, processes and threads, inherits
// what is blocked.
#pragma once

#include <csignal>

namespace epy {

class signals_blocked {
public:
    signals_blocked() noexcept {
        sigset_t others;
        sigfillset(&others);
        for (const int fault : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP}) {
            sigdelset(&others, fault);
        }
        pthread_sigmask(SIG_BLOCK, &others, &before_);
    }
    ~signals_blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    signals_blocked(const signals_blocked &) = delete;
    signals_blocked &operator=(const signals_blocked &) = delete;

private:
    sigset_t before_{};
};

} // namespace epy
