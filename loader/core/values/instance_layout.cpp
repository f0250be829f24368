#include "loader/core/values/instance_layout.h"

#include <structmember.h>

#include <cstring>

#include "loader/core/values/contents.h"
#include "loader/core/values/ctypes_library.h"

namespace epy::ctypes {

namespace {

constinit instance_layout layout;

template <typename Item> Item *at(PyObject *object, Py_ssize_t offset) noexcept {
    return reinterpret_cast<Item *>(reinterpret_cast<char *>(object) + offset);
}

void *by_buffer(PyObject *instance) {
    const contents memory(instance, PyBUF_SIMPLE);
    return memory ? memory.data() : nullptr;
}

Py_ssize_t offset_of_objects(PyTypeObject *c_data) noexcept {
    const auto *one = static_cast<const PyMemberDef *>(PyType_GetSlot(c_data, Py_tp_members));
    for (; one != nullptr && one->name != nullptr; ++one) {
        if (std::strcmp(one->name, objects) == 0 && one->type == T_OBJECT) {
            return one->offset;
        }
    }
    return 0;
}

} // namespace

void find_instance_layout(const module_state &state) noexcept {
    auto *const c_data = reinterpret_cast<PyTypeObject *>(state.c_data);
    const ref sample(PyObject_CallNoArgs(state.void_pointer));
    void *const place = sample ? by_buffer(sample.get()) : nullptr;
    PyErr_Clear();
    layout.begins_with_place =
        place != nullptr && *at<void *>(sample.get(), sizeof(PyObject)) == place;
    layout.objects = offset_of_objects(c_data);
    layout.own_begin = c_data->tp_basicsize;
    layout.own_end = state.function_pointer->tp_basicsize;
}

void *place_of(PyObject *instance) {
    return layout.begins_with_place.load(std::memory_order_relaxed)
               ? *at<void *>(instance, sizeof(PyObject))
               : by_buffer(instance);
}

bool keeps_nothing(PyObject *instance) noexcept {
    const Py_ssize_t offset = layout.objects.load(std::memory_order_relaxed);
    return offset != 0 && *at<PyObject *>(instance, offset) == nullptr;
}

bool is_as_its_class_says(PyObject *function) {
    const Py_ssize_t end = layout.own_end.load(std::memory_order_relaxed);
    for (Py_ssize_t offset = layout.own_begin.load(std::memory_order_relaxed); offset < end;
         offset += static_cast<Py_ssize_t>(sizeof(void *))) {
        if (*at<void *>(function, offset) != nullptr) {
            return false;
        }
    }
    return end != 0;
}

} // namespace epy::ctypes
