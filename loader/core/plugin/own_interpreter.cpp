#include "loader/core/plugin/own_interpreter.h"

#include <ctime>
#include <string>

#include "loader/core/noted_error.h"
#include "loader/core/package.h"
#include "loader/core/plugin/import_package.h"
#include "loader/core/plugin/script.h"
#include "loader/core/thread/gilstate.h"
#include "loader/core/thread/python_stack.h"
#include "loader/core/thread/sub_interpreter.h"
#include "loader/core/thread/unwinding.h"
#include "loader/log.h"

namespace epy {

namespace {

// What the main interpreter tells another one.
struct introduction {
    package_origin origin;
    bool is_guest = false; // epy has started this Python
    bool is_chosen = false;
    std::string executable;
};

std::string text_of(const package::name &wanted) {
    const ref found = package::take_if_imported(wanted);
    const char *text =
        found && PyUnicode_Check(found.get()) != 0 ? PyUnicode_AsUTF8(found.get()) : nullptr;
    PyErr_Clear();
    return text == nullptr ? "" : text;
}

bool is_true(const package::name &wanted) {
    const ref found = package::take_if_imported(wanted);
    return found && PyObject_IsTrue(found.get()) == 1;
}

bool write(introduction &to) {
    to.is_guest = is_true(package::standard_path) && !is_true(package::is_taken_over);
    to.is_chosen = is_true(package::is_chosen);
    to.executable = text_of(package::executable);
    return find_origin(to.origin);
}

bool follow(const introduction &from) {
    const ref epy = import_package(from.origin);
    if (!epy) {
        return false;
    }
    if (from.is_guest) {
        const ref start = package::take(package::start);
        const ref started(start ? PyObject_CallFunction(
                                      start.get(), "zi",
                                      from.executable.empty() ? nullptr : from.executable.c_str(),
                                      from.is_chosen ? 1 : 0)
                                : nullptr);
        if (!started) {
            return false;
        }
    }
    return static_cast<bool>(package::call(package::follow_end, {}));
}

// Of the current interpreter; null if epy is not there.
sub_interpreter *current_interpreter() {
    const ref core(PyImport_ImportModule("epy._core"));
    PyErr_Clear();
    return core ? state_of(core.get()).interpreter : nullptr;
}

loaded say_why(const char *path) {
    const bool no_memory = PyErr_ExceptionMatches(PyExc_MemoryError) != 0;
    const ref reason = taken_exception();
    const ref text(reason ? PyObject_Str(reason.get()) : nullptr);
    const char *what = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
    PyErr_Clear();
    say(log_level::error, "epy: %s: its interpreter did not start: %s", path,
        no_memory         ? "out of memory; the next call tries again"
        : what == nullptr ? "unknown error"
                          : what);
    return no_memory ? loaded::no_memory : loaded::failed;
}

// No other thread is left in the interpreter: each has had a while for it. With its GIL.
bool is_alone(PyThreadState *state) {
    constexpr timespec a_while = {0, 1'000'000};
    constexpr int patience_in_milliseconds = 2000;
    for (int waited = 0;; ++waited) {
        PyThreadState *const first = PyInterpreterState_ThreadHead(state->interp);
        if (first == state && PyThreadState_Next(first) == nullptr) {
            return true;
        }
        if (waited == patience_in_milliseconds) {
            return false;
        }
        PyEval_SaveThread();
        nanosleep(&a_while, nullptr);
        PyEval_RestoreThread(state);
    }
}

// With it the interpreter goes, if nobody else is there.
void end(PyThreadState *state, const char *path) {
    python_stack stack(state);
    static_cast<void>(call_package(package::join_threads, nullptr));
    print_exception();
    if (sub_interpreter *where = current_interpreter()) {
        where->end();
    }
    if (is_alone(state)) {
        stack.state_is_gone();
        Py_EndInterpreter(state);
        return;
    }
    say(log_level::error,
        "epy: %s: its interpreter stays, because a thread still runs there: let on_unload end the "
        "threads that the script starts",
        path);
    stack.state_is_gone();
    PyThreadState_Clear(state);
    PyThreadState_DeleteCurrent();
}

// Runs `work` in another interpreter, with a state that is current, and goes back. `work` answers
// whether the interpreter stays.
template <typename Work>
void run_there(PyThreadState *there, PyThreadState *here, const char *path, Work work) {
    lead_ensure_to(there);
    bool stays = false;
    {
        const python_stack stack(there);
        stays = run_python(work);
        print_exception();
    }
    run_python([&] {
        if (stays) {
            PyThreadState_Clear(there);
            PyThreadState_DeleteCurrent();
        } else {
            end(there, path);
        }
        PyEval_RestoreThread(here);
    });
    lead_ensure_to(here);
}

} // namespace

loaded start_in_own_interpreter(const plugin_view &view, PyThreadState *here) {
    loaded outcome = loaded::failed;
    introduction from;
    const char *problem = nullptr;
    PyThreadState *there = nullptr;
    if (!cpython::has_own_locks) {
        say(log_level::error,
            "epy: %s: was built with --isolation own-gil, which takes Python 3.13 or newer; this "
            "process runs %d.%d",
            view.path, PY_MAJOR_VERSION, PY_MINOR_VERSION);
    } else if (!run_python([&] { return write(from); })) {
        outcome = say_why(view.path);
    } else {
        there = run_python([&] { return cpython::new_interpreter_with_own_lock(problem); });
        if (there == nullptr) {
            PyErr_Clear();
            say(log_level::error, "epy: %s: its interpreter did not start: %s", view.path, problem);
        }
    }
    if (there == nullptr) {
        view.services->release(view.handle);
        return outcome;
    }
    run_there(there, here, view.path, [&] {
        if (!follow(from)) {
            view.services->release(view.handle);
            outcome = say_why(view.path);
            return false;
        }
        outcome = start_script(view, found_gil::free);
        if (outcome == loaded::ready) {
            current_interpreter()->give_to(view.handle, view.path);
        }
        return outcome == loaded::ready;
    });
    return outcome;
}

bool end_own_interpreter(plugin *handle, PyThreadState *here) {
    sub_interpreter *const where = sub_interpreter::take_of_plugin(handle);
    if (where == nullptr) {
        return false;
    }
    PyThreadState *const there = where->new_state();
    if (there == nullptr) {
        throw std::bad_alloc();
    }
    run_python([=] { PyThreadState_Swap(there); });
    run_there(there, here, where->path(), [&] {
        end_script(handle, found_gil::free);
        return false;
    });
    return true;
}

void end_own_interpreters(PyThreadState *here) {
    while (sub_interpreter *one = sub_interpreter::next_of_plugins(nullptr)) {
        one->note_end_of_python();
        end_own_interpreter(one->owner(), here);
    }
}

void leave_own_interpreters() {
    sub_interpreter *one = nullptr;
    while ((one = sub_interpreter::next_of_plugins(one)) != nullptr) {
        const sub_attachment there(*one);
        if (there) {
            const python_stack stack(there.state());
            leave_interpreter();
        }
    }
}

} // namespace epy
