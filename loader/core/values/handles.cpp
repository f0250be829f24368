#include "loader/core/values/handles.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "loader/core/package.h"
#include "loader/core/state.h"
#include "loader/core/values/does_not_fit.h"

namespace epy {

std::atomic<handle_table *> handles_of_plugins = nullptr;

// ---- cells

handle_table::~handle_table() {
    for (std::size_t k = 0; k < block_count_; ++k) {
        delete[] blocks_[k].load();
    }
}

handle_cell *handle_table::at(std::uint64_t address) const noexcept {
    // The last block is as large as all others together.
    for (std::size_t k = block_count_.load(std::memory_order_acquire); k-- > 0;) {
        handle_cell *const block = blocks_[k].load(std::memory_order_relaxed);
        const std::uint64_t offset = address - reinterpret_cast<std::uintptr_t>(block);
        if (offset < (first_block << k) * sizeof(handle_cell)) {
            handle_cell *const cell = block + offset / sizeof(handle_cell);
            const bool live = offset % sizeof(handle_cell) == 0 &&
                              cell->count.load(std::memory_order_acquire) != 0;
            return live ? cell : nullptr;
        }
    }
    return nullptr;
}

bool handle_table::retain(handle_cell &cell) noexcept {
    std::uint64_t count = cell.count.load(std::memory_order_relaxed);
    while (count != 0 && !cell.count.compare_exchange_weak(count, count + 1)) {
    }
    return count != 0;
}

void handle_table::release(handle_cell &cell) noexcept {
    std::uint64_t count = cell.count.load(std::memory_order_relaxed);
    while (count != 0 && !cell.count.compare_exchange_weak(count, count - 1)) {
    }
    if (count != 1) {
        return;
    }
    cell.next = released_.load(std::memory_order_relaxed);
    while (!released_.compare_exchange_weak(cell.next, &cell, std::memory_order_release,
                                            std::memory_order_relaxed)) {
    }
}

handle_cell *handle_table::new_cell() {
    if (free_count_ > frees_before_reuse) {
        --free_count_;
        return std::exchange(oldest_free_, oldest_free_->next);
    }
    const std::size_t count = block_count_.load(std::memory_order_relaxed);
    if (fresh_ == 0) {
        if (count == most_blocks) {
            return nullptr;
        }
        const std::size_t size = first_block << count;
        blocks_[count].store(new handle_cell[size], std::memory_order_relaxed);
        fresh_ = size;
        block_count_.store(count + 1, std::memory_order_release);
        return new_cell();
    }
    const std::size_t size = first_block << (count - 1);
    return blocks_[count - 1].load(std::memory_order_relaxed) + (size - fresh_--);
}

// Its count is 0 and it is on no list. Lets the object go last, because that may run any code.
void handle_table::free(handle_cell &cell) {
    PyObject *const object = std::exchange(cell.object, nullptr);
    const auto known = of_object_.find(object);
    if (known != of_object_.end() && known->second == &cell) {
        of_object_.erase(known);
    }
    cell.plugin = nullptr;
    cell.next = nullptr;
    (free_count_++ == 0 ? oldest_free_ : newest_free_->next) = &cell;
    newest_free_ = &cell;
    Py_DECREF(object);
}

void handle_table::collect() {
    // What an object's end releases goes at once, too.
    while (handle_cell *cell = released_.exchange(nullptr, std::memory_order_acquire)) {
        while (cell != nullptr) {
            handle_cell *const next = cell->next;
            free(*cell);
            cell = next;
        }
    }
}

handle_cell *handle_table::give(PyObject *object, PyObject *plugin) {
    collect();
    const auto known = of_object_.find(object);
    if (known != of_object_.end() && retain(*known->second)) {
        return known->second;
    }
    handle_cell *const cell = new_cell();
    if (cell == nullptr) {
        PyErr_NoMemory();
        return nullptr;
    }
    of_object_[object] = cell; // first: there may be no memory
    cell->object = Py_NewRef(object);
    cell->plugin = plugin;
    cell->count.store(1, std::memory_order_release);
    return cell;
}

handle_cell *handle_table::of_object(PyObject *object) const {
    const auto known = of_object_.find(object);
    return known != of_object_.end() && known->second->count != 0 ? known->second : nullptr;
}

bool handle_table::list(PyObject *plugin, PyObject *objects) const {
    std::vector<ref> found; // the list's memory may cost a collection, which may run any code
    for (const auto &[object, cell] : of_object_) {
        if (cell->plugin == plugin && cell->count != 0) {
            found.push_back(ref::borrowed(object));
        }
    }
    return std::all_of(found.begin(), found.end(), [objects](const ref &one) {
        return PyList_Append(objects, one.get()) == 0;
    });
}

bool handle_table::drop(PyObject *plugin, PyObject *objects) {
    collect();
    for (std::size_t k = 0; k < block_count_; ++k) {
        handle_cell *const block = blocks_[k].load();
        for (handle_cell *cell = block; cell != block + (first_block << k); ++cell) {
            if (cell->plugin != plugin || cell->count == 0) {
                continue;
            }
            if (PyList_Append(objects, cell->object) != 0) {
                return false;
            }
            if (cell->count.exchange(0) != 0) {
                free(*cell);
            }
        }
    }
    return true;
}

void handle_table::end() noexcept {
    for (std::size_t k = 0; k < block_count_; ++k) {
        handle_cell *const block = blocks_[k].load();
        for (handle_cell *cell = block; cell != block + (first_block << k); ++cell) {
            cell->count = 0;
        }
    }
}

// ---- objects

namespace {

PyObject *invalid(const char *format, std::uint64_t address, PyTypeObject *expected,
                  PyTypeObject *found) {
    if (const ref kind = package::take(package::handle_error)) {
        PyErr_Format(kind.get(), format, reinterpret_cast<void *>(address), expected->tp_name,
                     found == nullptr ? nullptr : found->tp_name);
    }
    return nullptr;
}

// Whether the object may stand where `expected` is declared; -1 with a Python exception.
int fits(PyObject *object, PyTypeObject *expected) {
    if (PyObject_TypeCheck(object, expected)) [[likely]] {
        return 1;
    }
    const ref same = package::call(package::fits_but_for_a_reload,
                                   {object, reinterpret_cast<PyObject *>(expected)});
    return same ? PyObject_IsTrue(same.get()) : -1;
}

} // namespace

PyObject *object_of_handle(const module_state &state, PyTypeObject *expected, std::uint64_t address,
                           bool consume) {
    if (address == 0) {
        Py_RETURN_NONE;
    }
    handle_table &table = *state.handles;
    handle_cell *const cell = table.at(address);
    if (cell == nullptr) {
        return invalid("%p is no live handle of %s: a host may pass what an export gave it, until "
                       "it gives it back",
                       address, expected, nullptr);
    }
    ref object = ref::borrowed(cell->object);
    if (const int fit = fits(object.get(), expected); fit != 1) {
        return fit < 0 ? nullptr
                       : invalid("%p is no handle of %s but of %s: the host mixed its handles up",
                                 address, expected, Py_TYPE(object.get()));
    }
    if (consume) {
        if (table.at(address) != cell || cell->object != object.get()) { // meanwhile
            return invalid("%p is no live handle of %s: it was given back by another thread",
                           address, expected, nullptr);
        }
        table.release(*cell);
        table.collect();
    }
    return object.release();
}

bool handle_of_object(const module_state &state, PyTypeObject *expected, PyObject *value,
                      PyObject *plugin, std::uint64_t &address) {
    address = 0;
    if (value == Py_None) {
        return true;
    }
    if (const int fit = fits(value, expected); fit != 1) {
        if (fit < 0) {
            return false;
        }
        const std::string object = std::string("an object of ") + expected->tp_name + " or None";
        return wrong_type(value, object.c_str());
    }
    address = reinterpret_cast<std::uintptr_t>(state.handles->give(value, plugin));
    return address != 0;
}

namespace {

// ctypes makes a place for what an instance keeps when it copies it somewhere, not before.
bool was_copied(const module_state &state, PyObject *instance) {
    const auto note = [](PyObject *kept, void *found) {
        if (PyType_Check(kept) == 0) {
            *static_cast<bool *>(found) = true;
        }
        return 0;
    };
    bool found = false;
    reinterpret_cast<PyTypeObject *>(state.simple)->tp_traverse(instance, note, &found);
    return found;
}

} // namespace

bool is_object(const module_state &state, PyObject *value) {
    return state.object_base != nullptr && PyObject_TypeCheck(value, state.object_base);
}

bool note_leaving(const module_state &state, PyObject *value) {
    return state.handle_base == nullptr || !PyObject_TypeCheck(value, state.handle_base) ||
           PyObject_SetAttr(value, state.has_left_name, Py_True) == 0;
}

void take_back(const module_state &state, PyObject *handle, PyObject *object) {
    const ref has_left(PyObject_GetAttr(handle, state.has_left_name));
    if (!has_left || has_left.get() == Py_True || was_copied(state, handle)) {
        return;
    }
    if (handle_cell *cell = state.handles->of_object(object)) {
        state.handles->release(*cell);
        state.handles->collect();
    }
}

} // namespace epy
