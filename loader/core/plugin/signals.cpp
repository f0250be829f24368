#include "loader/core/plugin/signals.h"

#include <csignal>
#include <memory>

namespace epy {

namespace {

constexpr char kept_name[] = "epy._core.signal";

struct kept_signal {
    int number;
    struct sigaction action;
};

volatile std::sig_atomic_t interrupted = 0;

extern "C" void note_interrupt(int) { interrupted = 1; }

bool read_action(PyObject *number, kept_signal &kept) {
    if (PyArg_Parse(number, "i", &kept.number) == 0) {
        return false;
    }
    if (sigaction(kept.number, nullptr, &kept.action) == 0) {
        return true;
    }
    PyErr_SetFromErrno(PyExc_OSError);
    return false;
}

} // namespace

// Python leaves a handler alone that it does not know. An interrupt that comes meanwhile is made
// up for.
void import_signals_untaken() noexcept {
    struct sigaction hosts {};
    struct sigaction ours {};
    ours.sa_handler = note_interrupt;
    sigaction(SIGINT, nullptr, &hosts);
    const bool is_default = hosts.sa_handler == SIG_DFL;
    if (is_default) {
        sigaction(SIGINT, &ours, &hosts);
    }
    const ref imported(PyImport_ImportModule("_signal"));
    PyErr_Clear();
    if (is_default) {
        sigaction(SIGINT, &hosts, nullptr);
        if (interrupted != 0) {
            std::raise(SIGINT);
        }
    }
}

PyObject *signal_handler(PyObject *, PyObject *number) {
    kept_signal now{};
    return read_action(number, now)
               ? PyLong_FromVoidPtr(reinterpret_cast<void *>(now.action.sa_handler))
               : nullptr;
}

PyObject *keep_signal(PyObject *, PyObject *number) {
    auto kept = std::make_unique<kept_signal>();
    if (!read_action(number, *kept)) {
        return nullptr;
    }
    PyObject *capsule = PyCapsule_New(kept.get(), kept_name, [](PyObject *dying) {
        delete static_cast<kept_signal *>(PyCapsule_GetPointer(dying, kept_name));
    });
    if (capsule != nullptr) {
        static_cast<void>(kept.release());
    }
    return capsule;
}

PyObject *put_signal_back(PyObject *, PyObject *capsule) {
    const auto *kept = static_cast<kept_signal *>(PyCapsule_GetPointer(capsule, kept_name));
    if (kept == nullptr) {
        return nullptr;
    }
    sigaction(kept->number, &kept->action, nullptr);
    Py_RETURN_NONE;
}

} // namespace epy
