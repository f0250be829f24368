// Who can change a file, or put another in its place: asked in a process with raised privileges
// before anything is run or read. Freestanding, because the stub asks before it opens the loader.
//
// Trusted users are root and, if the privileges are those of a user, that user. (With set-group-ID
// or file capabilities the effective user is whoever started the program, whose files prove
// nothing.) A path is trusted if each folder on it, each symbolic link and the file at its end
// belong to a trusted user, and nobody else can write the folders and the file. "Nobody else"
// includes every group: what the group may do is also what an access control list may give to
// anybody. Only a folder with the sticky bit may be writable by others, as /tmp is, if the path
// goes on behind it: they cannot rename or remove what a trusted user has there. Where more than
// one file is looked for, the folder ends the path.
//
// Each part is opened below the one that was looked at before, and looked at as opened. What was
// found stays so: none but the trusted can change any part of it, so the path that comes out, which
// has no symbolic links, may be opened by its name.
#pragma once

#include <cstddef>
#include <cstdint>

namespace epy {

// Set-user-ID, set-group-ID, file capabilities: the process can do what its user cannot.
bool has_raised_privileges() noexcept;

enum class doubt : std::uint8_t {
    none,
    owner,    // belongs to a user who is not trusted
    writable, // others can write it
    kind,     // neither a file nor a folder, or a file where a folder is due
    missing,  // cannot be looked at: see `error`
};

struct trust {
    doubt why = doubt::none;
    bool is_link = false;
    bool is_folder = false;
    std::uint32_t owner = 0;
    int error = 0;
    // Where the path leads; in doubt, as far as the part that is doubtful.
    char path[4096];

    [[nodiscard]] bool is_given() const noexcept { return why == doubt::none; }
};

void look_at(const char *path, trust &found) noexcept;

struct objection {
    char problem[2048];
    char remedy[1024];
};

// `path` is what was asked for.
void describe(const trust &found, const char *path, objection &against) noexcept;

} // namespace epy
