#include "loader/bootstrap/gil.h"

#include <iterator>

#include "loader/bootstrap/objects.h"
#include "loader/current_state.h"

namespace epy {

namespace {

gil_api remembered;
const gil_api *running = nullptr; // set once a Python is joined or started

template <typename Function> Function *look_up(const loaded_object &object, const char *name) {
    return reinterpret_cast<Function *>(object.find(name));
}

// Calls `visit` for the GIL of each Python that runs, until it returns true. False if none did.
template <typename Visit> bool any_gil(Visit visit) {
    if (const gil_api *python = __atomic_load_n(&running, __ATOMIC_ACQUIRE); python != nullptr) {
        return visit(*python);
    }
    for (const python_object &one : find_pythons()) {
        if (one.runs && visit(one.gil)) {
            return true;
        }
    }
    return false;
}

} // namespace

bool gil_api::is_held() const noexcept {
    const void *state = current == nullptr ? nullptr : current();
    return state != nullptr &&
           (each_thread_has_a_current_state || is_current_here(state, of_this_thread(), current));
}

// No memory is allocated while the objects are looked through: malloc may be a plugin's export.
python_objects find_pythons() noexcept {
    python_objects found;
    for_each_object([&](const loaded_object &object) {
        auto *is_initialized = look_up<int()>(object, "Py_IsInitialized");
        if (is_initialized != nullptr && object.is_relocated()) {
            auto *current = look_up<const void *()>(object, "PyThreadState_GetUnchecked");
            if (current == nullptr) {
                current = look_up<const void *()>(object, "_PyThreadState_UncheckedGet");
            }
            const auto *version =
                static_cast<const unsigned long *>(object.find("Py_Version")); // since 3.11
            found.all[found.count++] = {
                object.name(),
                is_initialized,
                look_up<void *()>(object, "PyInterpreterState_Main"),
                {current, look_up<const void *()>(object, "PyGILState_GetThisThreadState"),
                 look_up<void *()>(object, "PyEval_SaveThread"),
                 look_up<void(void *)>(object, "PyEval_RestoreThread"),
                 version != nullptr && *version >= 0x030c0000},
                is_initialized() != 0};
        }
        return found.count < std::size(found.all);
    });
    return found;
}

void remember_python(const python_object &one) noexcept {
    if (__atomic_load_n(&running, __ATOMIC_ACQUIRE) == nullptr) {
        remembered = one.gil;
        __atomic_store_n(&running, &remembered, __ATOMIC_RELEASE);
    }
}

void forget_python() noexcept {
    __atomic_store_n(&running, static_cast<const gil_api *>(nullptr), __ATOMIC_RELEASE);
}

bool holds_gil() noexcept {
    return any_gil([](const gil_api &gil) { return gil.is_held(); });
}

bool foreign_python_is_running() noexcept {
    bool runs = false;
    return !any_gil([&](const gil_api &gil) {
        runs = true;
        return gil.is_held();
    }) && runs;
}

gil_release::gil_release() noexcept {
    any_gil([this](const gil_api &gil) {
        if (gil.is_held()) {
            restore_ = gil.restore;
            state_ = gil.save();
        }
        return state_ != nullptr;
    });
}

gil_release::~gil_release() {
    if (state_ != nullptr) {
        restore_(state_);
    }
}

} // namespace epy
