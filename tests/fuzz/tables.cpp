// Fuzz target: the table writer never reads or writes outside a file's bytes, whatever they are.
//
// An input is names, each ended by a NUL, up to an empty one; then the file. `fuzz_tables` (clang)
// has libFuzzer look for inputs; `replay_tables` runs this on mutations of the stub, with any
// compiler.
#include "stub/tables.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    std::vector<std::string> names;
    while (const void *end = std::memchr(data, 0, size)) {
        const auto length = static_cast<std::size_t>(static_cast<const std::uint8_t *>(end) - data);
        names.emplace_back(reinterpret_cast<const char *>(data), length);
        data += length + 1;
        size -= length + 1;
        if (length == 0) {
            break;
        }
    }
    // Exactly as long as the file, so that a sanitizer sees every byte too far.
    const std::unique_ptr<char[]> bytes(new char[size]);
    std::copy_n(data, size, bytes.get());
    const epy::image file = epy::image::of_file(bytes.get(), size);
    epy::tables tables;
    // Before each write, as epy_stamp_* do: what was written may lie over the headers.
    const auto open = [&] {
        return file.check() == epy::status::ok &&
               epy::tables::open(file, file.find_info(), tables) == epy::status::ok;
    };
    std::uint32_t index = 0;
    for (const std::string &name : names) {
        epy::symbol added{name.c_str(), 16ULL * index, 16, index % 2 == 0, 1};
        if (open()) {
            static_cast<void>(tables.define_version(file, name.c_str(), added.version));
        }
        if (open()) {
            static_cast<void>(tables.append(added));
            static_cast<void>(tables.contains(name.c_str()));
            static_cast<void>(tables.name_of_slot(index));
        }
        ++index;
    }
    if (open()) {
        static_cast<void>(tables.set_soname(file, "fuzzed.so"));
    }
    return 0;
}
