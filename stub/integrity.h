// Whether a plugin is as it was stamped.
//
// Two questions, because a file can be damaged on its disk and on its way: do the addresses and
// counts of stub_info lead to memory of the image, each to its own; and do the bytes there have the
// checksums that the stamper gave them? Nothing else of epy reads a plugin before both are
// answered.
//
// A checksum covers what stays as it is until a plugin starts:
//   start    stub_info, names, the texts of the settings, the archive with modules and headers
//   records  records as the file has them, and the error values that they lead to
//   data     exported data, to which hosts write, and a package's data files, which may be large
//            and are read when asked for: of a file only
// ELF headers, .dynamic, relocations and machine code are the dynamic loader's: it has used them
// before anything of epy runs.
#pragma once

#include "stub/tables.h"

namespace epy {

// ok or damaged.
[[nodiscard]] status check_places(const image &, const stub_info &) noexcept;

// The rest is for images whose places are right, and that nobody has started.

// Of a file, once all else is stamped.
void stamp_checksums(const image &, stub_info &) noexcept;

// ok or damaged; ok for a contract without checksums.
[[nodiscard]] status check_contents(const image &, const stub_info &) noexcept;

// Whether records return the declared error values. Of any image.
[[nodiscard]] bool records_are_whole(const image &, const stub_info &) noexcept;

} // namespace epy
