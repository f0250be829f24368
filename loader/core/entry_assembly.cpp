// The assembly entry (call_entry_x86_64.S), and addresses from the pool.
#include "entry.h"
#include "pool.h"

extern "C" [[gnu::visibility("hidden")]] void epy_call_entry();

namespace epy {

bool make_entry(call_record &native, const signature &) {
    native.head.code = epy_call_entry;
    return true;
}

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
