// Functions of epy.h: the life of a plugin, and its exports.
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "loader/bootstrap/call_host.h"
#include "loader/bootstrap/find_plugin.h"
#include "loader/bootstrap/gil.h"
#include "loader/bootstrap/helper.h"
#include "loader/bootstrap/host_guards.h"
#include "loader/bootstrap/introduce.h"
#include "stub/uncancelled.h"

namespace epy {

namespace {

struct one_export {
    std::string name;
    std::string prototype;
    void *address;
};

bool unload_within(plugin &self, std::chrono::milliseconds limit) {
    auto work = std::make_shared<helper>(
        [&self] {
            self.core()->unload(&self);
            self.release();
        },
        runs::scripts);
    if (self.retire(work)) {
        self.retain(); // the helper's
        if (!work->run()) {
            self.release();
            set_error("epy_unload", self.path(),
                      "no thread for on_unload and to drop the script; both stay");
            return false;
        }
    } else if (work = self.unloading(); work == nullptr) { // another call's, if there is one
        return true;
    }
    const gil_release meanwhile;
    if (!work->ends_within(limit)) {
        set_error("epy_unload", self.path(),
                  "on_unload is not over yet and goes on in the background; call epy_unload again "
                  "to wait longer");
        return false;
    }
    return true;
}

} // namespace

} // namespace epy

using epy::set_error;

extern "C" {

epy_plugin *epy_plugin_of(const void *handle_or_export) noexcept {
    return epy::guarded<epy_plugin *>("epy_plugin_of", nullptr, [&]() -> epy_plugin * {
        epy::stub_info *info =
            handle_or_export == nullptr ? nullptr : epy::find_plugin(handle_or_export);
        if (info == nullptr) {
            set_error("epy_plugin_of", nullptr,
                      "%p is neither a plugin's dlopen handle nor the address of an export",
                      handle_or_export);
            return nullptr;
        }
        epy::plugin &found = epy::plugin::of(info);
        if (found.is_whole() && info->contract >= epy::first_with_checksums) {
            epy::introduce(*info);
        }
        return reinterpret_cast<epy_plugin *>(&found);
    });
}

enum epy_state epy_plugin_state(const epy_plugin *given) noexcept {
    const epy::held_plugin self(given);
    if (!self) {
        return EPY_UNLOADED;
    }
    switch (self->now()) {
    case epy::plugin::phase::fresh:
        return EPY_NEW;
    case epy::plugin::phase::starting:
        return EPY_STARTING;
    case epy::plugin::phase::ready:
        return EPY_READY;
    case epy::plugin::phase::failed:
        return EPY_FAILED;
    case epy::plugin::phase::unloaded:
        break;
    }
    return EPY_UNLOADED;
}

int epy_start(epy_plugin *given) noexcept {
    return epy::guarded("epy_start", -1, [&] {
        const epy::held_plugin self(given);
        return epy::make_ready(self, "epy_start") ? 0 : -1;
    });
}

int epy_unload(epy_plugin *given, unsigned milliseconds) noexcept {
    return epy::guarded("epy_unload", -1, [&] {
        const epy::uncancelled whole;
        const epy::held_plugin self(given);
        if (!self) {
            return epy::no_plugin("epy_unload");
        }
        return epy::unload_within(*self.get(), std::chrono::milliseconds(milliseconds)) ? 0 : -1;
    });
}

int epy_set_python(const char *executable) noexcept {
    return epy::guarded("epy_set_python", -1, [&] {
        if (executable == nullptr || *executable == '\0') {
            set_error("epy_set_python", nullptr, "the executable is NULL or empty");
            return -1;
        }
        return epy::choose_python(executable) ? 0 : -1;
    });
}

int epy_each_export(epy_plugin *given, epy_visit_export *visit, void *user) noexcept {
    if (visit == nullptr) {
        return epy::missing("epy_each_export", "the function to call", -1);
    }
    std::vector<epy::one_export> all;
    const bool done = epy::with_plugin(
        given, "epy_each_export", false, [&](const epy::embed_api &python, epy::plugin *self) {
            const auto add = [](const char *name, const char *prototype, void *list) {
                try {
                    static_cast<std::vector<epy::one_export> *>(list)->push_back(
                        {name, prototype, nullptr});
                    return true;
                } catch (const std::bad_alloc &) {
                    return false;
                }
            };
            if (!python.each_export(self, add, &all)) {
                return false;
            }
            for (epy::one_export &one : all) {
                one.address = self->address_of(one.name.c_str());
            }
            return true;
        });
    if (!done) {
        return -1;
    }
    int result = 0;
    const bool returned = epy::call_host("a visitor", [&] {
        for (auto one = all.begin(); result == 0 && one != all.end(); ++one) {
            result = visit(one->name.c_str(), one->prototype.c_str(), one->address, user);
        }
    });
    if (!returned) {
        set_error("epy_each_export", nullptr,
                  "a C++ exception left the function to call: catch it in there");
        return -1;
    }
    return result;
}

} // extern "C"
