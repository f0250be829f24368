// An object that is never unmapped: threads may be inside, and callbacks lead into it.
//
// The linker's -z nodelete would say so, but at a moment at which loading can still fail: glibc
// then keeps the object without having run its constructors, and the next dlopen gets it like that.
// So it is said here, when nothing can fail any more; who loaded it has not had its handle yet.
#include <dlfcn.h>
#include <link.h>

namespace epy {

namespace {

[[gnu::constructor]] void stay_mapped() {
    Dl_info found{};
    link_map *map = nullptr;
    const auto *inside = reinterpret_cast<const void *>(&stay_mapped);
    if (dladdr1(inside, &found, reinterpret_cast<void **>(&map), RTLD_DL_LINKMAP) != 0) {
        dlopen(map->l_name, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
    }
}

} // namespace

} // namespace epy
