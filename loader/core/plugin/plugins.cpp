// The table that the loader calls: load, unload, exit.
#include <new>

#include "loader/core/plugin/end.h"
#include "loader/core/plugin/module_init.h"
#include "loader/core/plugin/own_interpreter.h"
#include "loader/core/plugin/script.h"
#include "loader/core/thread/patient_attachment.h"
#include "loader/core/thread/python_stack.h"
#include "loader/core/thread/stack.h"
#include "loader/core/thread/sub_interpreter.h"
#include "loader/core/thread/threads.h"
#include "loader/log.h"

namespace epy {

namespace {

// Work that the loader asks for: nothing may get out to it.
template <typename Work> void run_for_loader(Work work) noexcept {
    run_with_plenty_of_stack([&] {
        try {
            work();
        } catch (const std::bad_alloc &) {
            say(log_level::error, "epy: out of memory while a plugin starts or ends");
        }
    });
}

loaded load_here(const plugin_view *view) {
    const patient_attachment python(view->path);
    const python_stack stack(python.state());
    if (!python) {
        view->services->release(view->handle);
        if (python.is_out_of_memory()) {
            throw std::bad_alloc();
        }
        refuse_for_end(view->path);
        return loaded::failed;
    }
    const exception_set_aside callers;
    return (view->info->flags & stub_own_gil) != 0 ? start_in_own_interpreter(*view, python.state())
                                                   : start_script(*view, python.found());
}

loaded load(const plugin_view *view) noexcept {
    loaded outcome = loaded::no_memory;
    run_for_loader([&] { outcome = load_here(view); });
    return outcome;
}

void unload_here(plugin *handle) {
    const urgency soon;
    const attachment python;
    const python_stack stack(python.state());
    if (python && !end_own_interpreter(handle, python.state())) {
        end_script(handle, python.found());
    }
}

void unload(plugin *handle) noexcept {
    run_for_loader([&] { unload_here(handle); });
}

// Of a thread in the current interpreter.
std::uintptr_t awaited_in(PyThreadState *state, std::uintptr_t thread) {
    const python_stack stack(state);
    const ref number(PyLong_FromUnsignedLongLong(thread));
    const ref found = number ? call_package(package::awaited, number.get()) : ref();
    const std::uintptr_t awaited = found ? PyLong_AsUnsignedLongLong(found.get()) : 0;
    print_exception();
    return awaited;
}

// A script with an interpreter of its own waits in that one.
std::uintptr_t awaited_here(std::uintptr_t thread) {
    const urgency soon;
    const attachment python;
    if (!python) {
        return 0;
    }
    std::uintptr_t found = awaited_in(python.state(), thread);
    const sub_interpreter *last = nullptr;
    while (found == 0) {
        sub_interpreter *const one = sub_interpreter::next_alive(last);
        if (one == nullptr) {
            break;
        }
        const sub_attachment there(*one);
        found = there ? awaited_in(there.state(), thread) : 0;
        last = one;
    }
    return found;
}

std::uintptr_t awaited(std::uintptr_t thread) noexcept {
    std::uintptr_t found = 0;
    run_with_plenty_of_stack([&] { found = awaited_here(thread); });
    return found;
}

void exit_here() {
    const urgency soon;
    const attachment python;
    const python_stack stack(python.state());
    if (!python) {
        return;
    }
    const calls_go_on until_then;
    leave_own_interpreters();
    leave_interpreter();
}

void at_exit() noexcept { run_for_loader(exit_here); }

void with_gil(void (*work)(void *), void *argument) noexcept {
    const urgency soon;
    const attachment python;
    work(argument);
}

template <typename Attachment>
bool call_loading(const Attachment &python, const package::name &wanted, unsigned long thread) {
    const python_stack stack(python.state());
    if (!python) {
        return false;
    }
    const exception_set_aside callers;
    const ref number(PyLong_FromUnsignedLong(thread));
    const bool done = number && call_package(wanted, number.get()).get() == Py_True;
    print_exception();
    return done;
}

bool reserve_loading(unsigned long thread) noexcept {
    bool done = false;
    run_for_loader([&] { done = call_loading(attachment(), package::reserve_loading, thread); });
    return done;
}

// By the thread that loads: it has the dynamic loader's lock, for which who has the GIL may wait.
void release_loading(unsigned long thread) noexcept {
    run_for_loader(
        [&] { call_loading(patient_attachment("dlopen"), package::release_loading, thread); });
}

} // namespace

// NOLINTNEXTLINE(cppcoreguidelines-interfaces-global-init): of the table only its address
const core_api the_core_api = {core_api_version, load,          unload,          module_init,
                               at_exit,          with_gil,      reserve_loading, release_loading,
                               awaited,          &the_embed_api};

} // namespace epy
