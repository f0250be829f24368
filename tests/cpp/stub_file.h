// The real stub.so for tests: its bytes, and copies of it that can be mapped.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "stub/tables.h"

namespace epy::test {

inline std::vector<char> read_file(const std::filesystem::path &path) {
    std::ifstream input(path, std::ios::binary);
    if (!input) {
        throw std::runtime_error("cannot read " + path.string());
    }
    return {std::istreambuf_iterator<char>(input), {}};
}

inline void write_file(const std::filesystem::path &path, const std::vector<char> &bytes) {
    std::ofstream(path, std::ios::binary).write(bytes.data(), std::ssize(bytes));
}

// The bytes of the stub as `seal` left it, and its tables.
struct stub_file {
    std::vector<char> bytes = read_file(EPY_STUB);
    tables names;

    [[nodiscard]] image file() { return image::of_file(bytes.data(), bytes.size()); }
    [[nodiscard]] stub_info &info() { return *file().find_info(); }
    [[nodiscard]] Elf64_Ehdr &header() { return *reinterpret_cast<Elf64_Ehdr *>(bytes.data()); }
    [[nodiscard]] Elf64_Phdr *segments() {
        return reinterpret_cast<Elf64_Phdr *>(bytes.data() + header().e_phoff);
    }
    [[nodiscard]] status open() { return tables::open(file(), file().find_info(), names); }

    // Name the trampoline of slot `index`.
    status name_slot(const std::string &name, std::uint32_t index) {
        symbol added{};
        added.name = name.c_str();
        added.value = info().trampolines.address + std::uint64_t{index} * EPY_TRAMPOLINE_SIZE;
        added.size = EPY_TRAMPOLINE_SIZE;
        added.section = 1;
        return names.append(added);
    }
};

// A folder that goes when the test ends.
class temporary_folder {
public:
    temporary_folder() {
        std::string name = std::filesystem::temp_directory_path() / "epy-test-XXXXXX";
        if (mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error("cannot make " + name);
        }
        path_ = name;
    }
    ~temporary_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    temporary_folder(const temporary_folder &) = delete;
    temporary_folder &operator=(const temporary_folder &) = delete;

    std::filesystem::path operator/(const std::string &name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

} // namespace epy::test
