// Copied data. Code that is not position-independent, and gcc's default code for executables, names
// a variable's address directly. For a variable of a library the linker therefore reserves room in
// the executable and leaves a relocation R_X86_64_COPY: before any code runs, the dynamic linker
// copies the library's bytes there, and from then on every look-up of the name finds the copy.
//
// A plugin looks nothing up for data that it defines itself, so it must ask for the copy. The
// executable says only the name: what it copied is the first definition behind its own, and that
// may be another library's.
#include "loader/bootstrap/copied_data.h"

#include "loader/bootstrap/objects.h"

namespace epy {

void *data_address(const char *name, void *original) noexcept {
    void *copy = nullptr;
    const void *copied = nullptr; // the first definition behind the executable
    bool is_executable = true;
    for_each_object([&](const loaded_object &object) {
        if (is_executable) {
            copy = object.find_copy(name);
        } else {
            copied = object.find(name);
        }
        is_executable = false;
        return copy != nullptr && copied == nullptr;
    });
    return copy != nullptr && copied == original ? copy : original;
}

} // namespace epy
