// Unloading a plugin.
//
// A destructor runs under the dynamic loader's lock, on a thread that may or may not hold the GIL.
// The thread that holds the GIL may be waiting for that very lock (an import). So Python work is
// done by a helper thread, and the destructor waits for it at most two seconds; what is not done by
// then goes on in the background. A destructor whose thread holds the GIL does not wait at all: the
// helper needs the GIL, and once given up here it might never come back, because whoever has it
// then may want the dynamic loader's lock.
//
// dlclose unmaps the image when the destructor has returned. Where Python still has something of
// the plugin it is kept mapped until that is gone.
//
// A forked child has no business with its parent's plugins, unless it has come into its place: see
// lineage.h.
#include "loader/bootstrap/unload.h"

#include <atomic>
#include <memory>

#include "loader/bootstrap/gil.h"
#include "loader/bootstrap/helper.h"
#include "loader/bootstrap/kept_image.h"
#include "loader/bootstrap/leaving.h"
#include "loader/bootstrap/plugin.h"
#include "loader/bootstrap/report.h"
#include "stub/uncancelled.h"

namespace epy {

namespace {

constexpr char hooks_last[] =
    "on_unload did not finish within 2 s and goes on in the background; hooks run while the "
    "dynamic loader is locked and must not import modules or look up symbols";
constexpr char gil_is_kept[] =
    "dlclose has waited 2 s for Python's interpreter lock, which another thread keeps; on_unload "
    "runs in the background, once that gives it up";

void run_hooks(plugin &dead) {
    auto has_had_gil = std::make_shared<std::atomic<bool>>(false);
    auto work = std::make_shared<helper>(
        [&dead, has_had_gil] {
            dead.core()->with_gil([](void *had) { *static_cast<std::atomic<bool> *>(had) = true; },
                                  has_had_gil.get());
            dead.core()->unload(&dead);
            dead.release();
        },
        runs::scripts);
    const bool is_alone = holds_gil();
    dead.retain(); // the helper's
    if (!work->run()) {
        dead.release();
        report(dead.path(), "no thread for on_unload and to drop the script; both stay");
    } else if (!is_alone && !work->ends_within(helper::patience)) {
        report(dead.path(), "%s", *has_had_gil ? hooks_last : gil_is_kept);
    }
}

} // namespace

void unload(stub_info *info) noexcept {
    const uncancelled end;
    plugin *self = plugin::find(info);
    if (self == nullptr) {
        return;
    }
    const bool has_script = self->mark_dead();
    const bool is_done = is_python_left();
    try {
        if (has_script && !is_done && self->is_to_be_ended_here()) {
            run_hooks(*self);
        }
    } catch (const std::exception &) {
        report(self->path(),
               "no memory to run on_unload and drop the script; both stay as they are");
    }
    if (is_process_ending()) {
        static_cast<void>(keep_mapped(info)); // for whoever still runs
    } else {
        self->leave_image();
    }
}

} // namespace epy
