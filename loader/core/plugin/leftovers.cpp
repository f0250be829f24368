// A script's functions and their module refer to each other, so they are garbage that only the
// collector frees. It finds garbage by looking at every object of a generation, and what a script
// made has long been in the oldest: with millions of objects elsewhere in the process that takes a
// second, inside dlclose. So the script's objects become young again, and the youngest generation
// is collected.
//
// They are found by the references that lead to them from what the unload drops. Whatever lies
// behind an object that stays need not be looked at: modules, classes and functions that can be
// imported from them. To look there too costs time, and nothing else. What is garbage is for the
// collector to say; what was missed here stays until it looks at all by itself.
#include "loader/core/plugin/leftovers.h"

#include <cstdint>
#include <new>
#include <vector>

#include "loader/core/cpython.h"
#include "loader/core/plugin/type_references.h"
#include "loader/core/thread/threads.h"

namespace epy {

namespace {

constexpr long youngest = 0;
constexpr long all = 2;

// Addresses, in open addressing: there are some thousands, and nearly every look-up misses.
class address_set {
public:
    void add(const void *address) {
        if (2 * ++count_ > places_.size()) {
            grow();
        }
        place_of(address) = address;
    }
    [[nodiscard]] bool has(const void *address) noexcept { return place_of(address) == address; }

private:
    const void *&place_of(const void *address) noexcept {
        const std::size_t last = places_.size() - 1;
        std::size_t place = (reinterpret_cast<std::uintptr_t>(address) * 0x9e3779b97f4a7c15) >> 32;
        while (places_[place & last] != nullptr && places_[place & last] != address) {
            ++place;
        }
        return places_[place & last];
    }

    void grow() {
        std::vector<const void *> old(4 * places_.size());
        old.swap(places_);
        for (const void *address : old) {
            if (address != nullptr) {
                place_of(address) = address;
            }
        }
    }

    std::vector<const void *> places_{std::vector<const void *>(1024)};
    std::size_t count_ = 0;
};

// What stays whatever is unloaded.
class staying {
public:
    // May throw std::bad_alloc.
    staying() : modules_(PyImport_GetModuleDict()) {
        known_.add(modules_);
        known_.add(PyEval_GetBuiltins());
        PyObject *module = nullptr;
        for (Py_ssize_t next = 0; PyDict_Next(modules_, &next, nullptr, &module) != 0;) {
            known_.add(module);
            if (PyModule_Check(module)) {
                known_.add(PyModule_GetDict(module));
            }
        }
    }

    // May throw std::bad_alloc.
    bool has(PyObject *object) {
        if (PyType_Check(object)) {
            auto *type = reinterpret_cast<PyHeapTypeObject *>(object);
            PyObject *module = PyDict_GetItemString(type->ht_type.tp_dict, "__module__");
            return has(object, module, type->ht_name);
        }
        if (PyFunction_Check(object)) {
            auto *function = reinterpret_cast<PyFunctionObject *>(object);
            return has(object, function->func_module, function->func_name);
        }
        return (PyDict_Check(object) || PyModule_Check(object)) && known_.has(object);
    }

private:
    // What can be imported stays. Nearly all of it is met more than once.
    bool has(PyObject *object, PyObject *module, PyObject *name) {
        if (known_.has(object)) {
            return true;
        }
        PyObject *names = nullptr; // borrowed
        if (module != nullptr && PyUnicode_CheckExact(module)) {
            PyObject *found = PyDict_GetItemWithError(modules_, module);
            names = found != nullptr && PyModule_Check(found) ? PyModule_GetDict(found) : nullptr;
        }
        if (names == nullptr || PyDict_GetItemWithError(names, name) != object) {
            return false;
        }
        known_.add(object);
        return true;
    }

    PyObject *modules_; // borrowed
    address_set known_;
};

// What was found is not tracked by the collector meanwhile: that marks it. No Python code runs, so
// nothing dies.
class search {
public:
    explicit search(staying &others) : others_(others) {}
    ~search() {
        for (PyObject *object : found_) {
            PyObject_GC_Track(object); // as the youngest
        }
    }
    search(const search &) = delete;
    search &operator=(const search &) = delete;

    // False without memory to go on.
    bool from(PyObject *start) {
        bool goes_on = visit(start);
        for (std::size_t next = 0; goes_on && next < found_.size(); ++next) {
            PyObject *object = found_[next];
            goes_on = Py_TYPE(object)->tp_traverse(object, visit_one, this) == 0;
        }
        return goes_on;
    }

private:
    static int visit_one(PyObject *object, void *self) {
        return static_cast<search *>(self)->visit(object) ? 0 : -1;
    }

    // Python's C code calls it.
    bool visit(PyObject *object) noexcept {
        if (PyObject_IS_GC(object) == 0 || PyObject_GC_IsTracked(object) == 0) {
            return true;
        }
        try {
            if (!others_.has(object)) {
                found_.push_back(object);
                PyObject_GC_UnTrack(object);
            }
            return true;
        } catch (const std::bad_alloc &) {
            return false;
        }
    }

    staying &others_;
    std::vector<PyObject *> found_;
};

} // namespace

PyObject *make_young(PyObject *core, PyObject *objects) {
    if (!PyList_Check(objects)) {
        PyErr_SetString(PyExc_TypeError, "make_young takes a list");
        return nullptr;
    }
    show_references_of_types(state_of(core));
    bool done = false;
    if (cpython::has_generations) {
        const exception_set_aside lookups;
        staying others;
        done = search(others).from(objects);
    }
    return PyLong_FromLong(done ? youngest : all);
}

} // namespace epy
