#include "objects.h"

#include <dlfcn.h>

namespace epy {

bool loaded_object::contains(const void *address) const {
    const auto wanted = reinterpret_cast<std::uintptr_t>(address);
    for (const auto &[first, end] : segments) {
        if (wanted >= first && wanted < end) {
            return true;
        }
    }
    return false;
}

void *loaded_object::open_if_defines(const char *symbol) const {
    void *handle =
        dlopen(name.empty() ? nullptr : name.c_str(), RTLD_NOW | RTLD_NOLOAD | RTLD_LOCAL);
    if (handle == nullptr) {
        return nullptr;
    }
    const void *found = dlsym(handle, symbol);
    if (found == nullptr || !contains(found)) {
        dlclose(handle);
        return nullptr;
    }
    return handle;
}

std::vector<loaded_object> loaded_objects() {
    std::vector<loaded_object> found;
    dl_iterate_phdr(
        [](dl_phdr_info *info, std::size_t, void *list) {
            loaded_object one;
            one.name = info->dlpi_name == nullptr ? "" : info->dlpi_name;
            one.base = info->dlpi_addr;
            for (int i = 0; i < info->dlpi_phnum; ++i) {
                const auto &segment = info->dlpi_phdr[i];
                const std::uintptr_t first = one.base + segment.p_vaddr;
                if (segment.p_type == PT_LOAD) {
                    one.segments.emplace_back(first, first + segment.p_memsz);
                } else if (segment.p_type == PT_DYNAMIC) {
                    one.dynamic = reinterpret_cast<const ElfW(Dyn) *>(first);
                }
            }
            static_cast<std::vector<loaded_object> *>(list)->push_back(std::move(one));
            return 0;
        },
        &found);
    return found;
}

} // namespace epy
