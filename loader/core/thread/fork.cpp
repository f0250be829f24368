// A host forks when it likes. The child has one thread and a copy of every lock, so Python must be
// stopped in a known state while it happens: PyOS_BeforeFork with the GIL held, PyOS_AfterFork_*
// after. os.fork does the same itself and then calls fork: its hook tells us to keep out.
//
// A host with sub-interpreters forks on its own terms, because PyOS_AfterFork_Child deletes them:
// there Python's lock is held during the fork, and nothing else is done.
//
// The host's thread may have little stack, and the handlers run on it. Each leaves it by itself for
// its part: what lies on a stack of epy's is not there any more when the next one runs.
#include "loader/core/thread/fork.h"

#include <pthread.h>

#include <cstddef>

#include "loader/core/guarded.h"
#include "loader/core/py.h"
#include "loader/core/thread/patient_attachment.h"
#include "loader/core/thread/python_stack.h"
#include "loader/core/thread/stack.h"
#include "loader/core/thread/threads.h"

namespace epy {

namespace {

thread_local bool python_forks [[gnu::tls_model("initial-exec")]] = false;
thread_local bool stopped [[gnu::tls_model("initial-exec")]] = false; // by PyOS_BeforeFork
// Lies in `place`, without memory of its own: fork must not fail for want of it.
thread_local patient_attachment *held [[gnu::tls_model("initial-exec")]] = nullptr;
alignas(patient_attachment) thread_local std::byte place
    [[gnu::tls_model("initial-exec")]][sizeof(patient_attachment)];

// Runs one of Python's functions for a fork, where it is stopped.
void tell(void (*what)()) {
    if (stopped) {
        const python_stack stack(held->state());
        what();
    }
}

void before_fork() {
    if (python_forks || is_attaching_stopped()) {
        return;
    }
    run_with_plenty_of_stack([] {
        held = new (place) patient_attachment("fork");
        stopped = *held && PyInterpreterState_Next(PyInterpreterState_Head()) == nullptr;
        tell(PyOS_BeforeFork);
    });
}

void go_on(void (*what)()) {
    if (held != nullptr) {
        run_with_plenty_of_stack([what] {
            tell(what);
            held->~patient_attachment();
            held = nullptr;
        });
    }
}

void in_parent() { go_on(PyOS_AfterFork_Parent); }

void in_child() {
    forget_ended_threads();
    go_on(PyOS_AfterFork_Child);
}

PyObject *os_fork_begins(PyObject *, PyObject *) {
    python_forks = true;
    Py_RETURN_NONE;
}

PyObject *os_fork_ends(PyObject *, PyObject *) {
    python_forks = false;
    Py_RETURN_NONE;
}

PyMethodDef begins = {"os_fork_begins", guarded<os_fork_begins>, METH_NOARGS, nullptr};
PyMethodDef ends = {"os_fork_ends", guarded<os_fork_ends>, METH_NOARGS, nullptr};

} // namespace

void follow_forks() {
    const ref posix(PyImport_ImportModule("posix"));
    const ref first(PyCFunction_New(&begins, nullptr));
    const ref last(PyCFunction_New(&ends, nullptr));
    const ref function(posix ? PyObject_GetAttrString(posix.get(), "register_at_fork") : nullptr);
    const ref none(PyTuple_New(0));
    const ref hooks(PyDict_New());
    if (function && first && last && none && hooks &&
        PyDict_SetItemString(hooks.get(), "before", first.get()) == 0 &&
        PyDict_SetItemString(hooks.get(), "after_in_parent", last.get()) == 0 &&
        PyDict_SetItemString(hooks.get(), "after_in_child", last.get()) == 0) {
        const ref done(PyObject_Call(function.get(), none.get(), hooks.get()));
    }
    if (PyErr_Occurred() != nullptr) {
        PyErr_WriteUnraisable(nullptr);
    }
    static bool done = false; // for another Python of this process
    if (!std::exchange(done, true)) {
        pthread_atfork(before_fork, in_parent, in_child);
    }
}

} // namespace epy
