#include "stub/integrity.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "stub/checksum.h"
#include "stub/pack.h"
#include "stub/records.h"

namespace epy {

namespace {

// One that stub_info names.
struct place {
    extent where;
    std::uint64_t unit;  // size and alignment of its parts
    std::uint64_t count; // how many parts there must be at least
    unsigned flags;
    bool is_in_file = true;

    [[nodiscard]] std::uint64_t end() const { return where.address + where.size; }
};

bool is_right(const image &of, const place &one) {
    const auto &[address, size] = one.where;
    if (size == 0) {
        return one.count == 0;
    }
    return size / one.unit >= one.count && address % std::min<std::uint64_t>(one.unit, 8) == 0 &&
           of.holds(address, size, one.flags) &&
           (!one.is_in_file || of.at(address, size) != nullptr);
}

bool overlap(const place &one, const place &other) {
    return one.where.size != 0 && other.where.size != 0 && one.where.address < other.end() &&
           other.where.address < one.end();
}

// endbr64; mov slot(%rip),%r11: what the machine code takes for the first slot.
bool leads_to_slots(const image &of, const stub_info &info) {
    constexpr std::uint64_t displacement = 7;
    constexpr std::uint64_t behind = 11;
    std::int32_t distance = 0;
    const auto *code = static_cast<const char *>(of.at(info.trampolines.address, behind));
    if (code == nullptr) {
        return false;
    }
    std::memcpy(&distance, code + displacement, sizeof distance);
    return info.trampolines.address + behind + static_cast<std::uint64_t>(distance) ==
           info.slots.address;
}

bool is_text(const image &of, std::uint64_t address) {
    return address == 0 || of.text(address) != nullptr;
}

const record *records_of(const image &of, const stub_info &info) {
    return of.items<const record>(info.records.address, info.records.size / sizeof(record));
}

// The bytes of a place, which may be empty.
void add(crc32c &sum, const image &of, const extent &where) {
    if (where.size != 0) {
        sum.add(of.at(where.address, where.size), where.size);
    }
}

void add_used(crc32c &sum, const image &of, const extent &table, std::uint64_t used) {
    add(sum, of, {table.address, used});
}

void add_text(crc32c &sum, const image &of, std::uint64_t address) {
    if (const char *text = of.text(address); text != nullptr) {
        sum.add(text, std::strlen(text) + 1);
    }
}

void add_names(crc32c &sum, const image &of, const stub_info &info) {
    add_used(sum, of, info.symbols, info.symbols_used * sizeof(Elf64_Sym));
    add_used(sum, of, info.strings, info.strings_used);
    add_used(sum, of, info.versions, info.symbols_used * sizeof(std::uint16_t));
    add(sum, of, info.definitions);
    const auto *hash = of.items<const std::uint32_t>(info.hash.address, 1);
    const std::uint64_t heads = 2 + std::uint64_t{*hash}; // the counts and the buckets
    add_used(sum, of, info.hash, (heads + info.symbols_used) * sizeof *hash);
}

std::uint32_t checksum_of_start(const image &of, const stub_info &info) {
    crc32c sum;
    const auto add_part = [&](std::size_t begin, std::size_t end) {
        sum.add(reinterpret_cast<const char *>(&info) + begin, end - begin);
    };
    add_part(0, offsetof(stub_info, kept));
    add_part(offsetof(stub_info, errors), offsetof(stub_info, start_checksum));
    if (info.contract >= first_with_pack) {
        add_part(offsetof(stub_info, pack), sizeof info);
    }
    add_names(sum, of, info);
    add_text(sum, of, info.loader_path);
    add_text(sum, of, info.libpython_path);
    add_text(sum, of, info.executable_path);
    add_used(sum, of, info.archive, info.archive.size - info.files);
    return sum.value();
}

std::uint32_t checksum_of_records(const image &of, const stub_info &info) {
    crc32c sum;
    visit_records(records_of(of, info), info.records, of.at(info.errors.address, info.errors.size),
                  info.errors, of.load_address(),
                  [&](const void *bytes, std::size_t size) { sum.add(bytes, size); });
    return sum.value();
}

std::uint32_t checksum_of_data(const image &of, const stub_info &info) {
    crc32c sum;
    add(sum, of, info.data);
    add(sum, of, {info.archive.address + info.archive.size - info.files, info.files});
    return sum.value();
}

bool lies_in(const extent &place, std::uint64_t address, std::uint64_t size) {
    const std::uint64_t distance = address - place.address;
    return address >= place.address && distance < place.size && size <= place.size - distance;
}

// What a word of an error value points to, if it is a pointer: `size` bytes that were stored, or a
// function.
bool leads_to_stored(const stub_info &info, const record &stamped, unsigned word,
                     std::uint64_t size) {
    const std::uint64_t address = stamped.error[word];
    return (stamped.points >> word & 1U) == 0 || lies_in(info.errors, address, size) ||
           lies_in(info.data, address, size) ||
           (size == 0 && lies_in(info.trampolines, address, size));
}

// What a checksum cannot tell of a record: that it fits its slot.
bool fits(const image &of, const stub_info &info, const record &one, std::uint64_t index) {
    const record stamped = as_stamped(one, of.load_address());
    const bool in_memory = stamped.result == result_class::memory;
    return stamped.index == index && stamped.result <= result_class::memory &&
           reinterpret_cast<std::uint64_t>(stamped.code) == info.resolver &&
           reinterpret_cast<std::uint64_t>(stamped.owner) == info.self && stamped.points < 4 &&
           leads_to_stored(info, stamped, 0, stamped.error_size) &&
           leads_to_stored(info, stamped, 1, 0) &&
           (!in_memory || stamped.points == 1 || stamped.error[0] == 0);
}

bool all_fit(const image &of, const stub_info &info) {
    const record *records = records_of(of, info);
    for (std::uint64_t i = 0; i < info.records.size / sizeof(record); ++i) {
        if (!fits(of, info, records[i], i)) {
            return false;
        }
    }
    return true;
}

// As the dynamic loader has left them. A file has none.
bool slots_lead_to_records(const image &of, const stub_info &info) {
    const auto *slots = of.items<const record *const>(info.slots.address, info.slots_used);
    const record *records = records_of(of, info);
    for (std::uint64_t i = 0; !of.is_file() && i < info.slots_used; ++i) {
        if (slots[i] != &records[i]) {
            return false;
        }
    }
    return true;
}

} // namespace

status check_places(const image &of, const stub_info &info) noexcept {
    const bool has_checksums = info.contract >= first_with_checksums;
    const bool has_pack = info.contract >= first_with_pack;
    const std::uint64_t capacity = info.slot_capacity;
    const place all[] = {
        {{info.self, info_size(info.contract)}, 8, 1, PF_W},
        {info.trampolines, EPY_TRAMPOLINE_SIZE, capacity, PF_X},
        {info.slots, sizeof(record *), capacity, PF_W, false},
        {info.symbols, sizeof(Elf64_Sym), info.symbols_used, PF_W},
        {info.strings, 1, info.strings_used, PF_W},
        {info.hash, sizeof(std::uint32_t), 2, PF_W},
        {info.versions, sizeof(std::uint16_t), info.symbols_used, PF_W},
        {info.definitions, sizeof(std::uint32_t), 0, PF_W},
        {info.records, sizeof(record), 0, PF_R},
        {info.archive, 1, 0, PF_R},
        {has_checksums ? info.errors : extent{}, 1, 0, PF_R},
        {has_checksums ? info.data : extent{}, 1, 0, PF_R},
        {has_pack ? info.pack : extent{}, alignof(pack), 0, PF_R},
    };
    for (const place &one : all) {
        if (!is_right(of, one)) {
            return status::damaged;
        }
        for (const place *other = std::begin(all); other != &one; ++other) {
            if (overlap(one, *other)) {
                return status::damaged;
            }
        }
    }
    const bool is_info =
        of.at(info.self, info_size(info.contract)) == &info && records_of(of, info) != nullptr;
    const bool counts = capacity <= EPY_SLOT_CAPACITY && info.slots_used <= capacity &&
                        info.records.size == info.slots_used * sizeof(record) &&
                        (!has_checksums || info.files <= info.archive.size);
    const bool texts = is_text(of, info.loader_path) && is_text(of, info.libpython_path) &&
                       is_text(of, info.executable_path);
    return is_info && counts && texts && leads_to_slots(of, info) ? status::ok : status::damaged;
}

void stamp_checksums(const image &of, stub_info &info) noexcept {
    info.data_checksum = checksum_of_data(of, info);
    info.records_checksum = checksum_of_records(of, info);
    info.start_checksum = checksum_of_start(of, info); // of the other two, too
}

bool records_are_whole(const image &of, const stub_info &info) noexcept {
    if (info.contract < first_with_checksums) {
        return true;
    }
    return records_of(of, info) != nullptr &&
           of.at(info.errors.address, info.errors.size) != nullptr &&
           info.records_checksum == checksum_of_records(of, info) && all_fit(of, info);
}

status check_contents(const image &of, const stub_info &info) noexcept {
    const bool whole = info.contract < first_with_checksums ||
                       (records_are_whole(of, info) && slots_lead_to_records(of, info) &&
                        info.start_checksum == checksum_of_start(of, info) &&
                        (!of.is_file() || info.data_checksum == checksum_of_data(of, info)));
    return whole ? status::ok : status::damaged;
}

} // namespace epy
