// Holds the GIL for a scope, where a wait for it may be a circle: whoever has it may be waiting for
// this thread to start a plugin, or to fork. After seconds, one line says so.
#pragma once

#include <optional>

#include "loader/core/thread/threads.h"
#include "loader/patience.h"

namespace epy {

class patient_attachment {
public:
    explicit patient_attachment(const char *subject) noexcept {
        std::optional<patience> waiting;
        if (attachment::may_be_taken()) {
            waiting.emplace(subject, "has been waiting for Python's interpreter lock for 5 s: "
                                     "another thread keeps it, and must not wait for this one");
        }
        python_.emplace();
    }

    explicit operator bool() const noexcept { return static_cast<bool>(*python_); }
    [[nodiscard]] bool is_out_of_memory() const noexcept { return python_->is_out_of_memory(); }
    [[nodiscard]] PyThreadState *state() const noexcept { return python_->state(); }
    [[nodiscard]] found_gil found() const noexcept { return python_->found(); }

private:
    std::optional<attachment> python_;
};

} // namespace epy
