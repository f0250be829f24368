#include "loader/core/plugin/to_run.h"

namespace epy {

namespace {

std::uint64_t (*draw)() noexcept = nullptr; // null where no loader is: nothing forks plugins there
bool (*take)(std::uint64_t mark) noexcept = nullptr;

} // namespace

void ask_loader_what_to_run(const core_options &options) noexcept {
    draw = options.mark_to_run;
    take = options.take_to_run;
}

PyObject *mark_to_run(PyObject *, PyObject *) {
    return PyLong_FromUnsignedLongLong(draw == nullptr ? 0 : draw());
}

PyObject *take_to_run(PyObject *, PyObject *mark) {
    const unsigned long long number = PyLong_AsUnsignedLongLong(mark);
    if (PyErr_Occurred() != nullptr) {
        return nullptr;
    }
    return PyBool_FromLong(take == nullptr || take(number) ? 1 : 0);
}

} // namespace epy
