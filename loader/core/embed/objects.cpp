// Objects in the host's hands: references, classes, attributes. The first three functions are for
// threads without the GIL, and go on when Python has ended.
#include "loader/core/embed/objects.h"

#include "loader/core/embed/attached.h"
#include "loader/core/package.h"

namespace epy::embed {

namespace {

handle_cell *cell_at(const epy_object *object) noexcept {
    const handle_table *table = handles_of_plugins;
    return table == nullptr ? nullptr : table->at(reinterpret_cast<std::uintptr_t>(object));
}

} // namespace

epy_object *retain(epy_object *object) noexcept {
    handle_cell *cell = cell_at(object);
    return cell != nullptr && handle_table::retain(*cell) ? object : nullptr;
}

void release(epy_object *object) noexcept {
    if (handle_cell *cell = cell_at(object)) {
        handles_of_plugins.load()->release(*cell);
    }
}

std::uint64_t count(const epy_object *object) noexcept {
    const handle_cell *cell = cell_at(object);
    return cell == nullptr ? 0 : cell->count.load();
}

int is_a(const epy_object *object, const char *class_name) noexcept {
    return attached("epy_object_is", nullptr, -1, [=](module_state &state) {
        const ref found = object_at(state, object);
        return !found ? -1 : is_named(Py_TYPE(found.get()), class_name) ? 1 : 0;
    });
}

const char *class_of(const epy_object *object) noexcept {
    return attached<const char *>("epy_object_class", nullptr, nullptr, [=](module_state &state) {
        const ref found = object_at(state, object);
        return found ? Py_TYPE(found.get())->tp_name : nullptr;
    });
}

epy_object *weak(epy_object *object) noexcept {
    return attached<epy_object *>("epy_weak", nullptr, nullptr, [=](module_state &state) {
        const ref found = object_at(state, object);
        return given_to_host(state, ref(found ? PyWeakref_NewRef(found.get(), nullptr) : nullptr));
    });
}

epy_object *lock(epy_object *weak) noexcept {
    return attached<epy_object *>(
        "epy_weak_lock", nullptr, nullptr, [=](module_state &state) -> epy_object * {
            const ref found = object_at(state, weak);
            if (!found) {
                return nullptr;
            }
            if (PyWeakref_Check(found.get()) == 0) {
                PyErr_SetString(PyExc_TypeError, "the object is no weak reference: epy_weak");
                return nullptr;
            }
            ref target(PyObject_CallNoArgs(found.get()));
            return !target || target.get() == Py_None ? nullptr
                                                      : given_to_host(state, std::move(target));
        });
}

epy_object *get(epy_object *object, const char *attribute) noexcept {
    return attached<epy_object *>("epy_get", nullptr, nullptr, [=](module_state &state) {
        const ref found = object_at(state, object);
        return given_to_host(state,
                             ref(found ? PyObject_GetAttrString(found.get(), attribute) : nullptr));
    });
}

int set(epy_object *object, const char *attribute, epy_object *value) noexcept {
    return attached("epy_set", nullptr, -1, [=](module_state &state) {
        const ref found = object_at(state, object);
        const ref given = value == nullptr ? ref() : object_at(state, value);
        return !found || (value != nullptr && !given)
                   ? -1
                   : PyObject_SetAttrString(found.get(), attribute, given.get());
    });
}

int keep_alive(epy_object *nurse, epy_object *patient) noexcept {
    return attached("epy_keep_alive", nullptr, -1, [=](module_state &state) {
        const ref holder = object_at(state, nurse);
        const ref held = holder ? object_at(state, patient) : ref();
        return held && package::call(package::keep_alive, {holder.get(), held.get()}) ? 0 : -1;
    });
}

} // namespace epy::embed
