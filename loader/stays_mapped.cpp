#include "loader/stays_mapped.h"

#include <dlfcn.h>
#include <link.h>

namespace epy {

void stay_mapped() noexcept {
    Dl_info found{};
    link_map *map = nullptr;
    const auto *inside = reinterpret_cast<const void *>(&stay_mapped);
    if (dladdr1(inside, &found, reinterpret_cast<void **>(&map), RTLD_DL_LINKMAP) != 0) {
        dlopen(map->l_name, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
    }
}

} // namespace epy
