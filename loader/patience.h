// A wait that may never end says so: one line on stderr when a scope lasts longer than a host's
// user waits without a word. Another thread says it, because this one waits for a lock that has no
// limit of its own. It lives as long as the scope.
#pragma once

#include <pthread.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>

#include "loader/signals_blocked.h"
#include "stub/printable.h"

namespace epy {

class patience {
public:
    static constexpr int seconds = 5;

    // "epy: SUBJECT: LINE"; both outlive the scope. Without memory for a thread nothing is said.
    patience(const char *subject, const char *line) noexcept : subject_(subject), line_(line) {
        pthread_condattr_t attributes;
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&changed_, &attributes);
        pthread_condattr_destroy(&attributes);
        const signals_blocked quiet;
        runs_ = pthread_create(&thread_, nullptr, &patience::watch, this) == 0;
    }
    ~patience() {
        if (runs_) {
            pthread_mutex_lock(&mutex_);
            over_ = true;
            pthread_cond_signal(&changed_);
            pthread_mutex_unlock(&mutex_);
            pthread_join(thread_, nullptr);
        }
        pthread_cond_destroy(&changed_);
    }
    patience(const patience &) = delete;
    patience &operator=(const patience &) = delete;

private:
    static void *watch(void *argument) {
        auto &self = *static_cast<patience *>(argument);
        timespec end{};
        clock_gettime(CLOCK_MONOTONIC, &end);
        end.tv_sec += seconds;
        pthread_mutex_lock(&self.mutex_);
        int expired = 0;
        while (!self.over_ && expired == 0) {
            expired = pthread_cond_timedwait(&self.changed_, &self.mutex_, &end);
        }
        const bool is_over = self.over_;
        pthread_mutex_unlock(&self.mutex_);
        if (!is_over) {
            char line[5120]; // a path may have 4,096
            const int length =
                snprintf(line, sizeof line, "epy: %s: %s", self.subject_, self.line_);
            const auto size = static_cast<std::size_t>(length < 0 ? 0 : length);
            make_printable(line, size < sizeof line ? size : sizeof line - 1, sizeof line);
            dprintf(STDERR_FILENO, "%s\n", line);
        }
        return nullptr;
    }

    const char *subject_;
    const char *line_;
    pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t changed_{};
    pthread_t thread_{};
    bool over_ = false;
    bool runs_ = false;
};

} // namespace epy
