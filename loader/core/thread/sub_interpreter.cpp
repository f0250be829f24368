#include "loader/core/thread/sub_interpreter.h"

#include <pthread.h>

#include <ctime>

#include "loader/core/process_lock.h"
#include "loader/core/thread/own_gil.h"
#include "loader/core/thread/threads.h"
#include "loader/core/thread/unwinding.h"
#include "loader/log.h"

namespace epy {

namespace {

sub_interpreter *newest = nullptr; // guarded by the process's lock

} // namespace

void sub_interpreter::leave_taken() noexcept {
    for (sub_interpreter *one = newest; one != nullptr; one = one->made_before_) {
        if ((one->calls_ & ended) == 0 && epy_own_gil_is_taken(one->state_) != 0) {
            one->calls_.fetch_or(ended);
        }
    }
}

sub_interpreter *sub_interpreter::of_current() {
    const process_guard guard;
    sub_interpreter *found = newest;
    while (found != nullptr && found->calls_ != (ended | free)) {
        found = found->made_before_;
    }
    if (newest == nullptr) {
        pthread_atfork(nullptr, nullptr, leave_taken);
    }
    if (found == nullptr) {
        found = new sub_interpreter;
        found->made_before_ = std::exchange(newest, found);
    }
    found->state_ = PyInterpreterState_Get();
    found->owner_ = nullptr;
    found->ended_with_python_ = false;
    found->calls_ = 0;
    return found;
}

sub_interpreter *sub_interpreter::of_plugin(const plugin *handle) noexcept {
    sub_interpreter *found = nullptr;
    do {
        found = next_of_plugins(found);
    } while (found != nullptr && found->owner_ != handle);
    return found;
}

sub_interpreter *sub_interpreter::take_of_plugin(plugin *handle) noexcept {
    sub_interpreter *const found = of_plugin(handle);
    return found != nullptr && found->owner_.compare_exchange_strong(handle, nullptr) ? found
                                                                                      : nullptr;
}

sub_interpreter *sub_interpreter::next_of_plugins(const sub_interpreter *last) noexcept {
    const process_guard guard;
    sub_interpreter *found = last == nullptr ? newest : last->made_before_;
    while (found != nullptr && found->owner_ == nullptr) {
        found = found->made_before_;
    }
    return found;
}

sub_interpreter *sub_interpreter::next_alive(const sub_interpreter *last) noexcept {
    const process_guard guard;
    sub_interpreter *found = last == nullptr ? newest : last->made_before_;
    while (found != nullptr && (found->calls_ & ended) != 0) {
        found = found->made_before_;
    }
    return found;
}

void sub_interpreter::end() noexcept {
    constexpr timespec a_while = {0, 1'000'000};
    constexpr int patience_in_milliseconds = 2000;
    if (calls_.fetch_or(ended) >= call) {
        PyThreadState *const state = PyEval_SaveThread();
        int waited = 0;
        while (calls_ >= call && ++waited <= patience_in_milliseconds) {
            nanosleep(&a_while, nullptr);
        }
        if (calls_ >= call) {
            say(log_level::error, "epy: an interpreter ends while calls of its callbacks run on "
                                  "other threads: let them return first");
        }
        run_python([state] { PyEval_RestoreThread(state); });
    }
    if (calls_ < call) {
        run_python([this] { kept_.clear_all(); });
    }
}

sub_attachment::sub_attachment(sub_interpreter &interpreter) noexcept : interpreter_(interpreter) {
    PyThreadState *const current = attachment::holds_gil() ? attachment::current_state() : nullptr;
    if (current != nullptr && current->interp == interpreter.state_) {
        state_ = current;
        return;
    }
    if (!interpreter.begin_call()) {
        return;
    }
    cancellation_.begin();
    PyThreadState *const ensured = PyGILState_GetThisThreadState();
    const bool keeps = interpreter.owner_ != nullptr;
    PyThreadState *const own =
        keeps ? interpreter.kept_.of_this_thread(interpreter.state_) : interpreter.new_state();
    if (own == nullptr) {
        is_out_of_memory_ = true;
        cancellation_.end();
        interpreter.end_call();
        return;
    }
    way_ = keeps ? way::kept : way::made;
    state_ = own;
    change_.begin(current, own, ensured);
    interpreter.kept_.clear_ended();
}

sub_attachment::~sub_attachment() {
    if (way_ == way::was_current) {
        return;
    }
    change_.end(way_ == way::made);
    interpreter_.end_call();
    cancellation_.end();
}

} // namespace epy
