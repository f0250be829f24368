// What happens when a slot still leads to the resolver.
//
//   epy_loader_resolver (saves every argument register) -> epy_loader_resolve -> plugin::run
//        -> open_python -> core_api::load -> the script
//   and then a jump to the slot's target, as if the host had called that.
//
// A call that comes from inside the start of its own plugin (the script's top level calls back
// through the host, or Python's own start calls a preloaded getenv) cannot wait. It goes to what
// the script has defined so far, else to the next definition of that name in the process, else it
// returns the export's error value.
#include "loader/bootstrap/resolve.h"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <exception>

#include "loader/bootstrap/last_error.h"
#include "loader/bootstrap/plugin.h"
#include "loader/bootstrap/report.h"
#include "loader/fp_environment.h"
#include "stub/own_stack.h"
#include "stub/uncancelled.h"

namespace epy {

namespace {

struct jump {
    void (*code)();
    const record *r11;
};

jump to(const record *target) { return {target->code, target}; }

// What the caller finds as its last error; but not if it is that of the start, which it waited for.
jump refused(const plugin &self, const record *called, const char *why,
             std::uint64_t errors_before) {
    if (error_count() == errors_before) {
        set_error("an export", self.path(), "%s",
                  self.now() == plugin::phase::unloaded ? "the plugin was unloaded: dlopen it again"
                                                        : why);
    }
    return {epy_loader_error_value, called};
}

// `circle`: other starts through which this plugin's waits for the calling thread.
jump from_inside_the_start(plugin &self, const record *called, const name_list &circle,
                           std::uint64_t errors_before) {
    if (const record *defined = self.pending(called->index); defined != nullptr) {
        return to(defined);
    }
    if (void *next = self.next_function(called->index); next != nullptr) {
        return {reinterpret_cast<void (*)()>(next), called};
    }
    char why[800];
    std::snprintf(why, sizeof why,
                  "was called by its own plugin's start%s%s%s before the script defined it; it "
                  "returned its error value. Call it from on_load or later",
                  circle.empty() ? "" : " (through that of ", circle.text(),
                  circle.empty() ? "" : ")");
    self.complain(called->index, why);
    return refused(self, called, "the plugin's own start called it", errors_before);
}

// The record of this thread's call: another thread may unmap the plugin while the start runs.
thread_local record own_copy [[gnu::tls_model("initial-exec")]];

jump serve(const record *called_in_image) {
    plugin &self = plugin::of(called_in_image->owner);
    const record its_copy = *called_in_image;
    const std::uint64_t errors_before = error_count();
    name_list circle;
    const turn state = self.start_now(&circle);
    own_copy = self.error_of(its_copy); // only now: the start may have called other exports
    const record *called = &own_copy;
    if (state == turn::absent) {
        return refused(self, called, "no Python can be started now; the log has the reason",
                       errors_before);
    }
    if (state == turn::ours || state == turn::circular) {
        return from_inside_the_start(self, called, circle, errors_before);
    }
    if (const record *target = self.target(called->index); target != nullptr) {
        return to(target);
    }
    if (state == turn::ready) {
        self.complain(called->index,
                      "is in the file, but the script did not define it this time; it returned its "
                      "error value. Build the plugin again with 'epy build'");
    }
    return refused(self, called,
                   state == turn::ready ? "the script does not define it"
                                        : "the plugin did not start; the log has the reason",
                   errors_before);
}

jump serve_or_refuse(const record *called) noexcept {
    try {
        return serve(called);
    } catch (const std::exception &) {
        report("a plugin's first call", "out of memory; it returned its error value, and the next "
                                        "call tries again");
        own_copy = *called;
        return {epy_loader_error_value, &own_copy};
    }
}

} // namespace

} // namespace epy

extern "C" [[gnu::visibility("hidden")]] epy::jump
epy_loader_resolve(const epy::record *called) noexcept;

extern "C" epy::jump epy_loader_resolve(const epy::record *called) noexcept {
    const int saved_errno = errno;
    const epy::fp_environment floating_point;
    const epy::uncancelled start;
    epy::jump next{};
    epy::call_with_room([&] { next = epy::serve_or_refuse(called); });
    errno = saved_errno;
    return next;
}
