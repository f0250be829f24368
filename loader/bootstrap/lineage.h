// Which process runs what is to run once, though fork makes two of one: a plugin's hooks.
//
// Whoever starts a plugin runs its hooks when it ends it. A fork leaves a copy of them in the
// child, and two kinds of hosts fork. One goes on, and its children work for it: the hooks stay its
// own. The other becomes a daemon: it ends at once, by _exit, and the child is what goes on. While
// they fork nothing tells them apart. When the hooks are due it shows: a child has come into its
// parent's place if that one has ended without having run them, and so has every process between
// the two. Of several such children the first one runs them.
//
// That a process has ended is told by its number and the time of its start; that it has run a hook,
// by a bit in memory which all of them share. In doubt (no memory, numbers of another namespace,
// more generations than are remembered) a child runs nothing that was its parent's.
#pragma once

#include <cstdint>

namespace epy {

// How many forks lie between this process and the one that has loaded epy.
[[nodiscard]] unsigned generation_of_process() noexcept;

// Whether this process is of that generation, or has come into the place of the one that was.
[[nodiscard]] bool stands_for(unsigned generation) noexcept;

// For something that this process has to run once, it or who comes into its place.
[[nodiscard]] std::uint64_t mark_to_run() noexcept;

// Whether this process runs it. True once; of its own always.
[[nodiscard]] bool take_to_run(std::uint64_t mark) noexcept;

// By the thread that forks, with the start lock.
void remember_parent() noexcept;
void become_child() noexcept;

} // namespace epy
