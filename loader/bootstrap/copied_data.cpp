// Copied data. Code that is not position-independent, and gcc's default code for executables, names
// a variable's address directly. For a variable of a library the linker therefore reserves room in
// the executable and leaves a relocation R_X86_64_COPY: before any code runs, the dynamic linker
// copies the library's bytes there, and from then on every look-up of the name finds the copy.
//
// A plugin looks nothing up for data that it defines itself, so it must ask for the copy. The
// executable says only the name: what it copied is the first definition behind its own, and that
// may be another library's.
#include "copied_data.h"

#include <dlfcn.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include "objects.h"

namespace epy {

namespace {

// What the dynamic section says is a link-time address, which glibc replaces by the address in the
// process and musl does not.
template <typename Item> const Item *in_process(const loaded_object &object, std::uintptr_t found) {
    const auto *place = reinterpret_cast<const Item *>(found);
    return object.contains(place) ? place : reinterpret_cast<const Item *>(object.base + found);
}

// The object's copy of the data `name`, or null.
void *find_copy(const loaded_object &object, const char *name) {
    const ElfW(Rela) *relocations = nullptr;
    std::size_t size = 0;
    const ElfW(Sym) *symbols = nullptr;
    const char *strings = nullptr;
    for (const auto *entry = object.dynamic; entry != nullptr && entry->d_tag != DT_NULL; ++entry) {
        switch (entry->d_tag) {
        case DT_RELA:
            relocations = in_process<ElfW(Rela)>(object, entry->d_un.d_ptr);
            break;
        case DT_RELASZ:
            size = entry->d_un.d_val;
            break;
        case DT_SYMTAB:
            symbols = in_process<ElfW(Sym)>(object, entry->d_un.d_ptr);
            break;
        case DT_STRTAB:
            strings = in_process<char>(object, entry->d_un.d_ptr);
            break;
        default:
            break;
        }
    }
    if (relocations == nullptr || symbols == nullptr || strings == nullptr) {
        return nullptr;
    }
    for (std::size_t i = 0; i < size / sizeof *relocations; ++i) {
        const ElfW(Rela) &one = relocations[i];
        if (ELF64_R_TYPE(one.r_info) == R_X86_64_COPY &&
            std::strcmp(strings + symbols[ELF64_R_SYM(one.r_info)].st_name, name) == 0) {
            return reinterpret_cast<void *>(object.base + one.r_offset);
        }
    }
    return nullptr;
}

// The first definition of `name` behind the executable, or null.
const void *first_definition(const std::vector<loaded_object> &objects, const char *name) {
    for (std::size_t i = 1; i < objects.size(); ++i) {
        if (void *handle = objects[i].open_if_defines(name); handle != nullptr) {
            const void *found = dlsym(handle, name);
            dlclose(handle);
            return found;
        }
    }
    return nullptr;
}

} // namespace

void *data_address(const char *name, void *original) noexcept {
    const std::vector<loaded_object> objects = loaded_objects();
    void *copy = objects.empty() ? nullptr : find_copy(objects.front(), name);
    return copy != nullptr && first_definition(objects, name) == original ? copy : original;
}

} // namespace epy
