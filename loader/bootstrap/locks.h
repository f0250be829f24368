// The loader's locks: three, process-wide, never held around Python or a call into a host.
//
// They are never destroyed, because threads may call plugins while the process exits, and a forked
// child makes them anew.
#pragma once

#include <condition_variable>
#include <mutex>

namespace epy {

// Guards which start is in which state, and who waits for it.
std::mutex &start_lock() noexcept;
std::condition_variable &start_changed() noexcept;

// Guards every write to the image of any plugin, and whether the image is still there.
std::mutex &image_lock() noexcept;

// Guards what the host has given: sinks and classes.
std::mutex &host_lock() noexcept;

} // namespace epy
