#include "loader/bootstrap/find_plugin.h"

#include <link.h>

#include "loader/bootstrap/objects.h"
#include "stub/neighbours.h"

namespace epy {

namespace {

// A handle of dlopen is the address of the object's entry in the dynamic linker's list.
const void *address_in_handle(const void *handle) {
    for (const link_map *one = _r_debug.r_map; one != nullptr; one = one->l_next) {
        if (one == handle) {
            return one->l_ld;
        }
    }
    return handle;
}

struct search {
    const void *wanted;
    bool is_address;
    stub_info *found;
};

int visit(dl_phdr_info *info, std::size_t, void *argument) {
    auto &now = *static_cast<search *>(argument);
    if (!now.is_address) { // here, while no object comes or goes
        now.wanted = address_in_handle(now.wanted);
        now.is_address = true;
    }
    if (!loaded_object(*info).contains(now.wanted)) {
        return 0;
    }
    now.found = info_in(*info);
    return 1;
}

} // namespace

stub_info *find_plugin(const void *handle_or_address) noexcept {
    search now{handle_or_address, false, nullptr};
    dl_iterate_phdr(visit, &now);
    return now.found;
}

} // namespace epy
