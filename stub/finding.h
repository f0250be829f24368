// Where a plugin's loader is looked for. Freestanding: the stub asks, and `epy doctor` shows it.
//
//   beside      FOLDER/epy/libepy.so, FOLDER being the plugin's: what was sent along with it
//   home        EPY_HOME/libepy.so: the folder of a package epy that somebody chose
//   stamped     that of the epy which built the plugin
//   own         what the plugin has in itself (pack.h)
//   installed   that of any Python on PATH, then in /usr/local and /usr
//
// What another loader is installed as is not known before it is looked at: a file is usable if it
// serves the plugin's contract, which is read from it without opening it as a library, because a
// loader stays once it is opened. Beside the plugin it may be part of what `epy bundle` wrote: one
// that is not as it was written is `damaged`, which should end the search. One that is there, but
// that the user whom the host runs as cannot read, is `unreadable`. In a process with raised
// privileges the environment is not asked, and a file that others can change is not usable.
#pragma once

#include <cstdint>

#include "stub/trust.h"

namespace epy {

enum class loader_place : std::uint8_t { beside, home, stamped, own, installed };

enum class usable : std::uint8_t {
    yes,
    missing,
    no_loader,
    other_contract,
    untrusted,
    damaged,
    unreadable
};

struct loader_candidate {
    loader_place place;
    usable verdict;
    const char *path;   // of a usable one with raised privileges: without symbolic links
    const trust *found; // with raised privileges, of one that is not usable
    const char *why;    // of a damaged one
    int error;          // of an unreadable one: errno
};

struct loader_request {
    const char *plugin;  // its file, or null
    const char *stamped; // or null
    bool has_own;        // a pack
    std::uint32_t contract;
};

// True ends the search.
using loader_visit = bool(const loader_candidate &, void *);

// Whether a file is a loader for this contract; `error` is errno where it is unreadable.
usable serves(const char *path, std::uint32_t contract, int &error) noexcept;

// Visits the candidates in order; of those that are installed the ones that are there.
void look_at_loaders(const loader_request &, loader_visit *, void *) noexcept;

} // namespace epy
