// replay_tables STUB [INPUT...]: runs the fuzz target on inputs that libFuzzer left, then on many
// mutations of the stub, the same ones every time. A mutation overwrites a few fields where the
// table writer looks: headers, .dynamic, stub_info and the tables themselves; some move a table
// over others, some cut the file.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "stub/tables.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

namespace {

constexpr int mutation_count = 6'000;

using bytes = std::vector<std::uint8_t>;

bytes read_file(const char *path) {
    std::ifstream input(path, std::ios::binary);
    if (!input) {
        std::fprintf(stderr, "replay: cannot read %s\n", path);
        std::exit(2);
    }
    return {std::istreambuf_iterator<char>(input), {}};
}

class mutator {
public:
    explicit mutator(bytes stub) : stub_(std::move(stub)) {
        const epy::image file = epy::image::of_file(stub_.data(), stub_.size());
        info_ = file.find_info();
        if (info_ == nullptr) {
            std::fprintf(stderr, "replay: not the stub\n");
            std::exit(2);
        }
        const auto *header = reinterpret_cast<const Elf64_Ehdr *>(stub_.data());
        add(header, sizeof *header);
        add(stub_.data() + header->e_phoff, sizeof(Elf64_Phdr) * header->e_phnum);
        add(file.dynamic(DT_HASH) - 8, sizeof(Elf64_Dyn) * 24);
        add(info_, sizeof *info_);
        add(info_, sizeof *info_); // twice: most decisions are made here
        for (const epy::extent &table : {info_->symbols, info_->hash, info_->versions}) {
            add(file.at(table.address, 0), 512);
        }
    }

    bytes next() {
        bytes file = stub_;
        for (auto left = any(8); left > 0; --left) {
            const region &where = regions_[any(regions_.size())];
            const std::size_t width = std::size_t{1} << any(4);
            const std::uint64_t value = interesting();
            const std::size_t offset = where.offset + any(where.size / width) * width;
            std::memcpy(file.data() + offset, &value, width);
        }
        if (any(4) == 0) {
            move_a_table(file);
        }
        if (any(8) == 0) {
            file.resize(any(file.size()));
        }
        if (any(4) == 0) {
            file.push_back('x'); // a name without end
        }
        return file;
    }

private:
    struct region {
        std::size_t offset;
        std::size_t size;
    };

    void add(const void *place, std::size_t size) {
        const auto *first = static_cast<const std::uint8_t *>(place);
        regions_.push_back({static_cast<std::size_t>(first - stub_.data()), size});
    }

    // Over something else in the file, in a way that all headers agree on.
    void move_a_table(bytes &file) {
        const epy::image image = epy::image::of_file(file.data(), file.size());
        epy::stub_info *info = image.check() == epy::status::ok ? image.find_info() : nullptr;
        if (info == nullptr) {
            return;
        }
        const struct {
            std::int64_t tag;
            epy::extent &table;
        } tables[] = {{DT_SYMTAB, info->symbols},
                      {DT_STRTAB, info->strings},
                      {DT_HASH, info->hash},
                      {DT_VERSYM, info->versions}};
        const auto &[tag, table] = tables[any(std::size(tables))];
        table.address = (any(2) == 0 ? info_->self : 0) + 8 * any(64);
        if (Elf64_Dyn *entry = image.dynamic(tag); entry != nullptr) {
            entry->d_un.d_ptr = table.address;
        }
        info->symbols_used = static_cast<std::uint32_t>(any(64));
        info->strings_used = static_cast<std::uint32_t>(any(512));
    }

    // Not std::uniform_int_distribution, whose numbers differ between libraries.
    std::uint64_t any(std::uint64_t count) { return random_() % count; }

    std::uint64_t interesting() {
        const std::uint64_t near = any(17) - 8;
        switch (any(8)) {
        case 0:
            return near;
        case 1:
            return (std::uint64_t{1} << any(64)) + near;
        case 2:
            return stub_.size() + near;
        case 3:
            return info_->self + 8 * any(sizeof(epy::stub_info) / 8) + near % 2;
        case 4:
            return info_->symbols.address + any(info_->symbols.size);
        case 5:
            return info_->strings.address + any(info_->strings.size);
        case 6:
            return any(stub_.size());
        default:
            return random_();
        }
    }

    bytes stub_;
    epy::stub_info *info_ = nullptr;
    std::vector<region> regions_;
    std::mt19937_64 random_{2008}; // NOLINT: the same numbers every time
};

} // namespace

int main(int count, char **arguments) {
    if (count < 2) {
        std::fprintf(stderr, "usage: replay_tables STUB [INPUT...]\n");
        return 2;
    }
    for (int i = 2; i < count; ++i) {
        const bytes input = read_file(arguments[i]);
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    mutator mutations(read_file(arguments[1]));
    for (int i = 0; i < mutation_count; ++i) {
        const bytes input = mutations.next();
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    std::printf("%d mutations\n", mutation_count);
    return 0;
}
