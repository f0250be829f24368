// The checksum of a plugin's records, for the stub and for whoever reads its file.
#pragma once

#include "stub/stub.h"

namespace epy {

// A record as the file has it, without what the dynamic loader added to its addresses.
inline record as_stamped(record one, std::uint64_t load_address) noexcept {
    const auto less = [&](std::uint64_t address) { return address - load_address; };
    one.code = reinterpret_cast<void (*)()>(less(reinterpret_cast<std::uint64_t>(one.code)));
    one.owner = reinterpret_cast<stub_info *>(less(reinterpret_cast<std::uint64_t>(one.owner)));
    for (unsigned word = 0; word < 2; ++word) {
        if ((one.points >> word & 1U) != 0) {
            one.error[word] = less(one.error[word]);
        }
    }
    return one;
}

// `add(bytes, size)` for each part. `load_address` is 0 for a file.
template <typename Add>
void visit_records(const record *records, const extent &place, const void *errors,
                   const extent &errors_place, std::uint64_t load_address, Add add) noexcept {
    for (std::uint64_t i = 0; i < place.size / sizeof(record); ++i) {
        const record one = as_stamped(records[i], load_address);
        add(&one, sizeof one);
    }
    add(errors, errors_place.size);
}

} // namespace epy
