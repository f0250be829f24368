#include "loader/core/plugin/inittab.h"

#include <pthread.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace epy {

namespace {

constexpr std::size_t capacity = 32;

struct built_in {
    char name[128];
    PyObject *(*init)();
};

built_in modules[capacity];
std::size_t used = 0;
pthread_mutex_t adding = PTHREAD_MUTEX_INITIALIZER;

template <std::size_t Index> PyObject *init() { return modules[Index].init(); }

template <std::size_t... Indices> bool reserve(std::index_sequence<Indices...>) noexcept {
    _inittab entries[] = {{modules[Indices].name, init<Indices>}..., {nullptr, nullptr}};
    return PyImport_ExtendInittab(entries) == 0;
}

} // namespace

bool reserve_built_in_modules() noexcept { return reserve(std::make_index_sequence<capacity>()); }

int add_built_in_module(const char *name, PyObject *(*init)()) noexcept {
    const std::size_t size = std::strlen(name) + 1;
    pthread_mutex_lock(&adding);
    const bool fits = used < capacity && size <= sizeof modules[0].name;
    if (fits) {
        built_in &one = modules[used++];
        one.init = init;
        std::memcpy(one.name + 1, name + 1, size - 1);
        __atomic_store_n(one.name, *name, __ATOMIC_RELEASE); // an import may be comparing it
    }
    pthread_mutex_unlock(&adding);
    return fits ? 0 : -1;
}

bool add_built_in_modules(const _inittab *all, Py_ssize_t count) noexcept {
    return std::all_of(all, all + count, [](const _inittab &one) {
        return add_built_in_module(one.name, one.initfunc) == 0;
    });
}

bool list_built_in_modules() {
    PyObject *listed = PySys_GetObject("builtin_module_names");
    const ref names(listed == nullptr ? nullptr : PySet_New(listed));
    if (!names) {
        return false;
    }
    for (const built_in &one : modules) {
        const ref name(PyUnicode_FromString(one.name));
        if (!name || PySet_Add(names.get(), name.get()) != 0) {
            return false;
        }
    }
    const ref empty(PyUnicode_New(0, 0));
    if (!empty || PySet_Discard(names.get(), empty.get()) < 0) {
        return false;
    }
    const ref sorted(PySequence_List(names.get()));
    if (!sorted || PyList_Sort(sorted.get()) != 0) {
        return false;
    }
    const ref all(PyList_AsTuple(sorted.get()));
    return all && PySys_SetObject("builtin_module_names", all.get()) == 0;
}

} // namespace epy
