#include "loader/core/call/entry.h"

#include "loader/core/call/pool.h"

namespace epy {

void *address_of(call_record &native) {
    if (native.address == nullptr) {
        native.address = take_trampoline(&native.head);
        if (native.address == nullptr) {
            PyErr_SetString(PyExc_MemoryError,
                            "no memory for another callback's native code (the system refuses to "
                            "map executable pages)");
        }
    }
    return native.address;
}

} // namespace epy
