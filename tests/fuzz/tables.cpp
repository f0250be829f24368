// Fuzz target: the table writer never reads or writes outside a file's bytes, whatever they are.
//
// An input is the file; its last bytes are also names to add. `fuzz_tables` (clang) has libFuzzer
// look for inputs; `replay_tables` runs this on mutations of the stub, with any compiler.
#include "stub/tables.h"

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

namespace {

// Some always; what stands between NULs at the end; and if that ends with an x, one without end.
std::vector<std::string> names_in(const std::uint8_t *data, std::size_t size) {
    std::vector<std::string> names{"f", "a_longer_name", "größe", "f"};
    const std::size_t length = std::min<std::size_t>(size, 64);
    std::istringstream end(
        std::string(reinterpret_cast<const char *>(data + size - length), length));
    for (std::string name; std::getline(end, name, '\0');) {
        names.push_back(name);
    }
    if (size != 0 && data[size - 1] == 'x') {
        names.emplace_back(60'000, 'x');
    }
    return names;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
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
    for (const std::string &name : names_in(data, size)) {
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
