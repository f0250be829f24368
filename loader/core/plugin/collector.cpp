#include "loader/core/plugin/collector.h"

#include <utility>

#include "loader/core/package.h"
#include "loader/core/thread/threads.h"

namespace epy {

namespace {

constexpr long patience = 50'000; // new objects; usually some hundreds

bool keeps = false; // guarded by the GIL

} // namespace

patient_collector::patient_collector() noexcept {
    const exception_set_aside callers;
    collector_ = package::import("gc");
    if (collector_) {
        usual_ = ref(PyObject_CallMethod(collector_.get(), "get_threshold", nullptr));
        const ref set(PyObject_CallMethod(collector_.get(), "set_threshold", "l", patience));
    }
    PyErr_Clear();
}

patient_collector::~patient_collector() {
    const exception_set_aside callers;
    if (usual_) {
        const ref now(PyObject_CallMethod(collector_.get(), "get_threshold", nullptr));
        if (now && PyLong_AsLong(PyTuple_GET_ITEM(now.get(), 0)) == patience) {
            const ref function(PyObject_GetAttrString(collector_.get(), "set_threshold"));
            const ref set(function ? PyObject_CallObject(function.get(), usual_.get()) : nullptr);
        }
    }
    PyErr_Clear();
}

void patient_collector::keep_what_is_there() const noexcept {
    if (collector_) {
        const ref done(PyObject_CallMethod(collector_.get(), "freeze", nullptr));
        keeps = true;
    }
    PyErr_Clear();
}

void keep_no_longer() noexcept {
    if (!std::exchange(keeps, false)) {
        return;
    }
    const exception_set_aside callers;
    const ref collector(PyImport_ImportModule("gc"));
    const ref done(collector ? PyObject_CallMethod(collector.get(), "unfreeze", nullptr) : nullptr);
    PyErr_Clear();
}

} // namespace epy
