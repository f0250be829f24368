// Handles: opaque pointers in a host's hands, each of which stands for one Python object.
//
// A handle is the address of a cell. The cell holds one reference to its object, which keeps it
// alive however long Python itself has dropped it, and counts the references that the host was
// given. Cells stay mapped, and one that the host has given back is used again first in, first out,
// after 4,096 later ones: so whatever pointer arrives, the addresses of the cells tell whether it
// is a live handle before anything is read through it.
//
// The count is changed atomically and without the GIL, which C code does not have. Who takes the
// last reference back puts the cell on a list; the object is let go by the next who has the GIL.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "loader/core/py.h"

namespace epy {

struct module_state;

struct handle_cell {
    std::atomic<std::uint64_t> count{0}; // the host's references; 0: no handle
    PyObject *object = nullptr;          // owned
    PyObject *plugin = nullptr;          // the NativePlugin that gave it out: borrowed, may be null
    handle_cell *next = nullptr;         // of the list that it is on, once its count is 0
};

// The cells of one interpreter. Needs its GIL unless a function says otherwise.
class handle_table {
public:
    handle_table() = default;
    ~handle_table();
    handle_table(const handle_table &) = delete;
    handle_table &operator=(const handle_table &) = delete;

    // The handle of an object, with one reference more for the host. `plugin` is whose it is if the
    // object has none yet.
    handle_cell *give(PyObject *object, PyObject *plugin);
    // The live handle of an object, or null.
    [[nodiscard]] handle_cell *of_object(PyObject *object) const;
    // The live cell at an address, which may be any number; null if there is none. Without the GIL.
    [[nodiscard]] handle_cell *at(std::uint64_t address) const noexcept;
    // One reference more for the host. False if the count is 0: the cell is about to be freed.
    // Without the GIL.
    static bool retain(handle_cell &) noexcept;
    // Takes one of the host's references back. Without the GIL.
    void release(handle_cell &) noexcept;
    // Lets the objects go whose last reference was taken back.
    void collect();
    // What hosts hold of a plugin goes to a list; false with a Python exception.
    bool list(PyObject *plugin, PyObject *objects) const;
    // Makes what hosts still hold of a plugin invalid. The objects go to a list, for who drops
    // them; false, with a Python exception, if some are still to be dropped.
    bool drop(PyObject *plugin, PyObject *objects);
    // Python ends with all its objects: no cell is live from now on. The cells stay, for those who
    // come without the GIL.
    void end() noexcept;

private:
    static constexpr std::size_t frees_before_reuse = 4096;
    static constexpr std::size_t first_block = 256; // cells; each further block has twice as many
    static constexpr std::size_t most_blocks = 32;

    handle_cell *new_cell();
    void free(handle_cell &);

    std::array<std::atomic<handle_cell *>, most_blocks> blocks_{};
    std::atomic<std::size_t> block_count_{0};
    std::size_t fresh_ = 0; // cells of the last block that were never used
    std::atomic<handle_cell *> released_{nullptr};
    handle_cell *oldest_free_ = nullptr;
    handle_cell *newest_free_ = nullptr;
    std::size_t free_count_ = 0;
    std::unordered_map<PyObject *, handle_cell *> of_object_; // of live cells
};

// Of the interpreter that plugins run in; null before there is one. It stays when that ends.
extern std::atomic<handle_table *> handles_of_plugins;

// A pointer from the host as the object that it stands for, or None for NULL; `consume` takes the
// host's reference back. A new reference, or null with epy.InvalidHandleError.
PyObject *object_of_handle(const module_state &, PyTypeObject *expected, std::uint64_t address,
                           bool consume);

// A pointer for the host, which gets a reference more; 0 for None. False with a Python exception
// for what is no object of that class.
bool handle_of_object(const module_state &, PyTypeObject *expected, PyObject *value,
                      PyObject *plugin, std::uint64_t &address);

// Whether it is one of a class of epy.Object.
bool is_object(const module_state &, PyObject *value);

// C gets what a ctypes object holds: if it is a handle, that has left Python. False with a Python
// exception.
bool note_leaving(const module_state &, PyObject *value);

// A ctypes object that was made of an object dies: the reference that it gave the host is taken
// back, unless it has left Python. It has if it is marked so, or if ctypes copied it anywhere.
void take_back(const module_state &, PyObject *handle, PyObject *object);

} // namespace epy
