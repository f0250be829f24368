// A retained callback is an object in the host's hands, with a handle like any other: so it can be
// released without the GIL. What is said here for each address is which handle, and how often.
#include "loader/core/embed/callbacks.h"

#include <algorithm>
#include <cstdint>
#include <unordered_map>

#include "loader/core/call/callback.h"
#include "loader/core/call/entry.h"
#include "loader/core/call/pool.h"
#include "loader/core/embed/attached.h"
#include "loader/core/embed/host_lock.h"
#include "loader/core/package.h"
#include "loader/immortal.h"

namespace epy {

namespace {

struct retained_callback {
    handle_cell *cell;
    PyObject *object; // the cell's
    std::uint64_t count;
};

immortal<std::unordered_map<void *, retained_callback>> retained; // counts_lock

// Records of callbacks are all that trampolines of the pool lead to. Null for those of other
// interpreters: their GIL may be another one, and then nothing keeps the callback.
callback *callback_at(const void *function) noexcept {
    const auto *found = reinterpret_cast<const call_record *>(record_at(function));
    return found == nullptr || found->interpreter != nullptr ? nullptr : found->target.load();
}

PyObject *plugin_of(PyObject *object) { return reinterpret_cast<callback *>(object)->plugin; }

void release_cell(handle_cell &cell, std::uint64_t count) noexcept {
    for (handle_table *table = handles_of_plugins; count > 0; --count) {
        table->release(cell);
    }
}

bool retain(module_state &state, void *function, PyObject *object) {
    handle_cell *const cell = state.handles->give(object, nullptr);
    if (cell == nullptr) {
        return false;
    }
    try {
        const std::scoped_lock guard(counts_lock());
        retained_callback &known = (*retained)[function];
        // An entry of a Python that has ended is none any more.
        known = {cell, object, known.cell == cell ? known.count + 1 : 1};
    } catch (const std::bad_alloc &) {
        state.handles->release(*cell);
        throw;
    }
    return true;
}

// One of the plugin's, with its references; empty if there is none left.
retained_callback take_one_of(PyObject *plugin) {
    const std::scoped_lock guard(counts_lock());
    const auto found = std::find_if(retained->begin(), retained->end(), [plugin](const auto &one) {
        return one.second.cell->count != 0 && plugin_of(one.second.object) == plugin;
    });
    if (found == retained->end()) {
        return {};
    }
    const retained_callback taken = found->second;
    retained->erase(found);
    return taken;
}

} // namespace

bool take_callbacks_back(module_state &state, PyObject *plugin, PyObject *objects) {
    bool is_listed = true;
    for (retained_callback one = take_one_of(plugin); one.cell != nullptr;
         one = take_one_of(plugin)) {
        is_listed = PyList_Append(objects, one.object) == 0 && is_listed;
        release_cell(*one.cell, one.count);
    }
    state.handles->collect();
    return is_listed;
}

namespace embed {

int retain_callback(void *function) noexcept {
    return attached("epy_callback_retain", nullptr, -1, [=](module_state &state) {
        callback *found = callback_at(function);
        if (found == nullptr || found->state != &state) {
            if (const ref kind = package::take(package::handle_error)) {
                PyErr_Format(kind.get(),
                             "%p is no live callback: C's own functions and a plugin's exports are "
                             "kept by their libraries",
                             function);
            }
            return -1;
        }
        return retain(state, function, reinterpret_cast<PyObject *>(found)) ? 0 : -1;
    });
}

void release_callback(void *function) noexcept {
    const std::scoped_lock guard(counts_lock());
    const auto found = retained->find(function);
    if (found == retained->end()) {
        return;
    }
    release_cell(*found->second.cell, 1);
    if (--found->second.count == 0) {
        retained->erase(found);
    }
}

int is_live_callback(void *function) noexcept {
    const auto *found = reinterpret_cast<const call_record *>(record_at(function));
    return found == nullptr || found->target == nullptr ? 0 : 1;
}

void *new_callback(epy_object *callable, const char *prototype, epy_object *error) noexcept {
    return attached<void *>(
        "epy_callback_new", nullptr, nullptr, [=](module_state &state) -> void * {
            const ref function = object_at(state, callable);
            const ref value = error == nullptr ? ref::borrowed(Py_None) : object_at(state, error);
            const ref text(function && value ? PyUnicode_FromString(prototype) : nullptr);
            const ref made = text ? package::call(package::new_callback,
                                                  {function.get(), text.get(), value.get()})
                                  : ref();
            call_record *native = made ? record_of(state, made.get()) : nullptr;
            void *address = native == nullptr ? nullptr : address_of(*native);
            return address != nullptr && retain(state, address, made.get()) ? address : nullptr;
        });
}

} // namespace embed

} // namespace epy
