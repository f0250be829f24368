#include "loader/core/headers/given.h"

#include <cstddef>
#include <new>
#include <unordered_set>
#include <vector>

#include "loader/core/headers/ctypes_objects.h"
#include "loader/core/values/contents.h"
#include "loader/core/values/ctypes_library.h"

namespace epy {

namespace {

// What a value leads to: all that is kept for it, by ctypes or by epy.
class targets {
public:
    explicit targets(const header_types &types) : types_(types) {}

    // False with a Python exception.
    bool find(PyObject *value) {
        to_do_.push_back(value);
        while (!to_do_.empty()) {
            PyObject *const next = to_do_.back();
            to_do_.pop_back();
            Py_TYPE(next)->tp_traverse(next, visit, this);
            if (has_no_memory_) {
                PyErr_NoMemory();
                return false;
            }
        }
        return true;
    }

    [[nodiscard]] const std::vector<PyObject *> &functions() const { return functions_; }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

private:
    // A call is not to take longer for a struct that leads to a million texts.
    static constexpr std::size_t most = 4096;

    static int visit(PyObject *object, void *self) noexcept {
        auto &me = *static_cast<targets *>(self);
        try {
            me.add(object);
        } catch (const std::bad_alloc &) {
            me.has_no_memory_ = true;
        }
        return me.has_no_memory_ || me.seen_.size() == most ? 1 : 0;
    }

    void add(PyObject *object) {
        const module_state &core = *types_.core;
        const bool is_function = Py_IS_TYPE(object, core.callback_type) ||
                                 is_a(object, core.function_pointer) || ctypes::is_thunk(object);
        if (PyBytes_CheckExact(object)) {
            bytes_ += static_cast<std::size_t>(PyBytes_GET_SIZE(object));
        }
        if (PyMemoryView_Check(object) && PyMemoryView_GET_BASE(object) != nullptr) {
            add(PyMemoryView_GET_BASE(object)); // of a pointer that lies in an object of epy's
            return;
        }
        if ((!is_function && !leads_on(object)) || !seen_.insert(object).second) {
            return;
        }
        if (is_function) {
            functions_.push_back(object);
            bytes_ += 1024; // about
            return;
        }
        if (is_a(object, core.c_data)) {
            const contents memory(object, PyBUF_SIMPLE);
            bytes_ += memory ? memory.size() : 0;
        }
        to_do_.push_back(object);
    }

    [[nodiscard]] bool leads_on(PyObject *object) const {
        return PyDict_CheckExact(object) || PyTuple_CheckExact(object) ||
               PyList_CheckExact(object) || is_a(object, types_.core->c_data) ||
               reinterpret_cast<PyObject *>(Py_TYPE(object)) == types_.bases->held_pointer;
    }

    const header_types &types_;
    std::vector<PyObject *> to_do_;
    std::unordered_set<PyObject *> seen_;
    std::vector<PyObject *> functions_;
    std::size_t bytes_ = 0;
    bool has_no_memory_ = false;
};

// Of plain values, which most arguments are.
bool leads_nowhere(PyObject *value) {
    return value == Py_None || PyLong_Check(value) || PyFloat_Check(value) ||
           PyUnicode_Check(value) || PyBytes_Check(value);
}

} // namespace

bool keep_given(const header_types &types, kept_values *kept, std::uintptr_t place,
                PyObject *value) {
    if (is_a(value, types.core->by_reference)) {
        const ref referred(PyObject_GetAttrString(value, ctypes::referred));
        return referred && keep_given(types, kept, place, referred.get());
    }
    const bool is_object = is_a(value, types.core->c_data) && !is_function(types, value);
    if (!is_object && !PyTuple_Check(value) && !PyList_Check(value) && !PyDict_Check(value)) {
        return true;
    }
    targets all(types);
    if (!all.find(value)) {
        return false;
    }
    const auto count = static_cast<Py_ssize_t>(all.functions().size());
    if (count == 0) {
        return true;
    }
    const ref needs(PyTuple_New(count + 1));
    if (!needs) {
        return false;
    }
    // A list of the script's may grow into anything.
    PyTuple_SET_ITEM(needs.get(), 0, Py_NewRef(is_object ? value : Py_None));
    for (Py_ssize_t index = 0; index < count; ++index) {
        PyTuple_SET_ITEM(needs.get(), index + 1,
                         Py_NewRef(all.functions()[static_cast<std::size_t>(index)]));
    }
    keep_parts_at(kept, place, needs, all.bytes());
    return true;
}

bool keep_given_struct(const module_state &core, PyObject *value) {
    PyObject *const type = type_of_object(value);
    if (core.headers == nullptr || PyObject_HasAttr(type, core.headers->name.classes) == 0) {
        return true;
    }
    const header_classes *classes = classes_of(*core.headers, type);
    return classes != nullptr && keep_given(*core.headers, as_kept(classes->kept),
                                            reinterpret_cast<std::uintptr_t>(type), value);
}

bool keep_arguments(const header_types &types, PyObject *function, PyObject *arguments) {
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(arguments); ++index) {
        PyObject *const value = PyTuple_GET_ITEM(arguments, index);
        if (leads_nowhere(value)) {
            continue;
        }
        const header_classes *classes = classes_of(types, type_of_object(function));
        void *const code = classes == nullptr ? nullptr : place_of(function);
        if (code == nullptr) {
            return false;
        }
        const std::uintptr_t place =
            *static_cast<std::uintptr_t *>(code) + static_cast<std::size_t>(index);
        if (!keep_given(types, as_kept(classes->kept), place, value)) {
            return false;
        }
    }
    return true;
}

} // namespace epy
