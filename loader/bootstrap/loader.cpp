// libepy.so: one per process, never unmapped. This is all that plugins and epy's Python side see of
// it.
#include "loader/bootstrap/attach.h"
#include "loader/bootstrap/introduce.h"
#include "loader/bootstrap/plugin.h"
#include "loader/bootstrap/python.h"
#include "loader/bootstrap/resolve.h"
#include "loader/bootstrap/unload.h"
#include "loader/stays_mapped.h"
#include "stub/uncancelled.h"

#include <exception>

namespace epy {

namespace {

// Who loaded it has not had its handle yet.
[[gnu::constructor]] void stay() { stay_mapped(); }

void *module_init(const stub_info *info) noexcept {
    if (is_introducing()) {
        return nullptr;
    }
    const uncancelled start;
    try {
        return plugin::of(const_cast<stub_info *>(info)).module_init();
    } catch (const std::exception &) {
        set_import_error("epy cannot import this plugin as a module: out of memory");
        return nullptr;
    }
}

} // namespace

} // namespace epy

extern "C" [[gnu::visibility("default")]] const epy::loader_api epy_loader;

extern "C" const epy::loader_api epy_loader = {
    epy::oldest_contract_version,
    epy::contract_version,
    epy_loader_resolver,
    epy::attach,
    epy::unload,
    epy::module_init,
};
