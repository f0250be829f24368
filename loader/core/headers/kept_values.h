// What is kept for memory that Python does not own: the host's, exported data, what a pointer leads
// to. Such memory may outlive every Python object, and nobody says when it goes.
//
// What a value needs is kept by place, the address that it was stored at, until something else is
// stored there, at the latest until unload. Hosts fill a struct on the stack, copy it, and fill it
// again. So what was replaced stays too, up to 4 MB of it in a plugin; then the place that has the
// most gives up its oldest: a text that changes at each step drives out its like, not what was set
// up once. Memory of the script's own goes back to it at once.
//
// A callable has one callback for each type as long as that is kept anywhere, so that hosts can
// compare its address. One given to a C function stays until unload.
#pragma once

#include <cstddef>
#include <cstdint>

#include "loader/core/headers/classes.h"

namespace epy {

struct kept_values;

// Where a value is stored, and what it needs there.
struct storing {
    kept_values *kept = nullptr; // null: Python owns the memory, which keeps what it needs
    bool is_part = false;        // of a value that keeps what its parts need
    bool is_argument = false;    // of a C function, which may keep it

    ref needs{};
    std::size_t made = 0; // bytes of memory that were made for it
    bool is_lent = false; // the memory is the script's, which wants it back when it is replaced
};

// What `storing` says was stored at a place of so many bytes.
void keep_at(std::uintptr_t place, std::size_t size, storing &);

// The same for a tuple, of which nothing more is kept if one of these very parts is there already.
void keep_parts_at(kept_values *, std::uintptr_t place, const ref &parts, std::size_t bytes);

// The callback of this type for a callable, as a function pointer without a prototype. Empty with a
// Python exception.
ref kept_callback(const header_types &, header_classes *, PyObject *kind, PyObject *function,
                  storing &);

kept_values *as_kept(PyObject *object);
void clear_kept(PyObject *object);

extern PyType_Spec kept_values_spec;

} // namespace epy
