// seal LINKED SEALED: makes the reserved tables of a freshly linked stub its dynamic symbol tables.
//
// 1. copy the linker's symbols, strings and relocations into the reserve and the tail;
// 2. point .dynamic at them;
// 3. give the section headers the names and types that nm, readelf, gdb and strip look for;
// 4. fill in stub_info.
// From then on naming an export is purely additive.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "stub/integrity.h"
#include "stub/tables.h"

namespace {

using epy::image;
using epy::stub_info;

[[noreturn]] void fail(const char *what) {
    std::fprintf(stderr, "seal: %s\n", what);
    std::exit(1);
}

class linked_stub {
public:
    explicit linked_stub(std::vector<char> &bytes)
        : bytes_(bytes), image_(image::of_file(bytes.data(), bytes.size())) {
        if (image_.check() != epy::status::ok) {
            fail("the linked stub is not a shared object for this machine");
        }
        info_ = image_.find_info();
        if (info_ == nullptr || info_->flags != 0) {
            fail("no unsealed stub_info");
        }
    }

    void seal() {
        copy_tables();
        require_a_version();
        point_dynamic();
        protect_relro();
        rename_sections();
        fill_info();
        // Tools that read section headers see what is used; the dynamic loader sees the capacity.
        section(".dynsym").sh_size = info_->symbols_used * sizeof(Elf64_Sym);
        section(".gnu.version").sh_size = info_->symbols_used * sizeof(std::uint16_t);
        contents<std::uint32_t>(".hash")[0] = EPY_BUCKET_COUNT; // open() looks at it
        epy::tables tables;
        if (const auto bad = epy::tables::open(image_, info_, tables); bad != epy::status::ok) {
            fail(epy::describe(bad));
        }
        tables.reset();
        epy::stamp_checksums(image_, *info_);
    }

private:
    Elf64_Ehdr &header() { return *reinterpret_cast<Elf64_Ehdr *>(bytes_.data()); }
    Elf64_Shdr *sections() {
        return reinterpret_cast<Elf64_Shdr *>(bytes_.data() + header().e_shoff);
    }
    std::string_view name(const Elf64_Shdr &section) {
        return bytes_.data() + sections()[header().e_shstrndx].sh_offset + section.sh_name;
    }
    Elf64_Shdr &section(std::string_view wanted) {
        for (unsigned i = 0; i < header().e_shnum; ++i) {
            if (name(sections()[i]) == wanted) {
                return sections()[i];
            }
        }
        fail((std::string("no section ") + std::string(wanted)).c_str());
    }
    template <typename T> T *contents(std::string_view wanted) {
        return reinterpret_cast<T *>(bytes_.data() + section(wanted).sh_offset);
    }
    epy::extent extent(std::string_view wanted) {
        return {section(wanted).sh_addr, section(wanted).sh_size};
    }

    void copy(std::string_view from, std::string_view to) {
        if (section(from).sh_size > section(to).sh_size) {
            fail((std::string(to) + " is too small").c_str());
        }
        std::memcpy(contents<char>(to), contents<char>(from), section(from).sh_size);
    }

    void copy_tables() {
        copy(".dynsym", ".epy.dynsym");
        copy(".dynstr", ".epy.dynstr");
        copy(".rela.dyn", ".epy.rela.dyn");
        const std::uint64_t count = section(".dynsym").sh_size / sizeof(Elf64_Sym);
        if (count > EPY_IMPORT_CAPACITY) {
            fail("more imports than EPY_IMPORT_CAPACITY");
        }
        info_->symbols_used = static_cast<std::uint32_t>(count);
        info_->strings_used = static_cast<std::uint32_t>(section(".dynstr").sh_size);
        // RELATIVE entries come first and are counted: the stamper adds its own in front.
        const auto *relocations = contents<Elf64_Rela>(".rela.dyn");
        bool others = false;
        for (std::uint64_t i = 0; i < section(".rela.dyn").sh_size / sizeof(Elf64_Rela); ++i) {
            const bool relative = ELF64_R_TYPE(relocations[i].r_info) == R_X86_64_RELATIVE;
            if (relative && others) {
                fail("relocations are not sorted");
            }
            others = !relative;
        }
    }

    void set(std::int64_t tag, std::uint64_t value) {
        Elf64_Dyn *entry = image_.add_dynamic(tag);
        if (entry == nullptr) {
            fail("no spare entry in .dynamic");
        }
        entry->d_un.d_val = value;
    }

    void point_dynamic() {
        set(DT_SYMTAB, section(".epy.dynsym").sh_addr);
        set(DT_STRTAB, section(".epy.dynstr").sh_addr);
        set(DT_STRSZ, section(".epy.dynstr").sh_size);
        set(DT_HASH, section(".epy.hash").sh_addr);
        set(DT_RELA, section(".epy.rela.dyn").sh_addr);
        set(DT_RELASZ, section(".rela.dyn").sh_size);
        set(DT_VERSYM, section(".epy.gnu.version").sh_addr);
        set(DT_VERNEED, section(".epy.gnu.version_r").sh_addr);
        set(DT_VERNEEDNUM, 1);
        // glibc ends the process if the library of a required version is not there: in a namespace
        // of its own (dlmopen, LD_AUDIT), under ldd, in a static program.
        set(DT_NEEDED, contents<Elf64_Verneed>(".epy.gnu.version_r")->vn_file);
    }

    // The dynamic loader reads .gnu.version only if an object defines or requires versions, and
    // stops a host that was linked against a versioned library of the plugin's soname if it does
    // not read it. So the stub requires one that every glibc has, weakly, and no symbol refers to
    // it.
    void require_a_version() {
        constexpr char library[] = "libc.so.6";
        constexpr char version[] = "GLIBC_2.2.5";
        auto *needed = contents<Elf64_Verneed>(".epy.gnu.version_r");
        auto *one = reinterpret_cast<Elf64_Vernaux *>(needed + 1);
        *needed = {VER_NEED_CURRENT, 1, append_string(library), sizeof(Elf64_Verneed), 0};
        *one = {epy::elf_hash(version), VER_FLG_WEAK, VER_NDX_GLOBAL + 1, append_string(version),
                0};
    }

    std::uint32_t append_string(std::string_view text) {
        const std::uint32_t offset = info_->strings_used;
        std::memcpy(contents<char>(".epy.dynstr") + offset, text.data(), text.size() + 1);
        info_->strings_used += static_cast<std::uint32_t>(text.size() + 1);
        return offset;
    }

    // From .init_array to the page boundary behind .got: read-only once relocated.
    void protect_relro() {
        auto *segments = reinterpret_cast<Elf64_Phdr *>(bytes_.data() + header().e_phoff);
        const Elf64_Shdr &first = section(".init_array");
        const std::uint64_t end = section(".data").sh_addr & ~std::uint64_t{0xfff};
        for (unsigned i = 0; i < header().e_phnum; ++i) {
            if (segments[i].p_type == PT_NULL) {
                segments[i] = {PT_GNU_RELRO,        PF_R,
                               first.sh_offset,     first.sh_addr,
                               first.sh_addr,       end - first.sh_addr,
                               end - first.sh_addr, 1};
                return;
            }
        }
        fail("no program header left for PT_GNU_RELRO");
    }

    std::uint32_t index(const Elf64_Shdr &section) {
        return static_cast<std::uint32_t>(&section - sections());
    }

    // The reserve, ".epy.NAME", takes the name that its own ends in. What the linker made of that
    // name becomes plain bytes under the other one.
    void take_over(std::string_view reserve, std::uint32_t type, std::uint64_t entry_size) {
        Elf64_Shdr &ours = section(reserve);
        const std::uint32_t reserve_name = ours.sh_name;
        ours.sh_name += sizeof(".epy") - 1;
        for (unsigned i = 0; i < header().e_shnum; ++i) {
            Elf64_Shdr &theirs = sections()[i];
            if (&theirs != &ours && name(theirs) == name(ours)) {
                theirs.sh_name = reserve_name;
                theirs.sh_type = SHT_PROGBITS;
                theirs.sh_link = 0;
                theirs.sh_info = 0;
                theirs.sh_entsize = 0;
            }
        }
        ours.sh_type = type;
        ours.sh_entsize = entry_size;
    }

    void rename_sections() {
        const std::uint64_t relocations = section(".rela.dyn").sh_size;
        take_over(".epy.dynsym", SHT_DYNSYM, sizeof(Elf64_Sym));
        take_over(".epy.dynstr", SHT_STRTAB, 0);
        take_over(".epy.hash", SHT_HASH, sizeof(std::uint32_t));
        take_over(".epy.rela.dyn", SHT_RELA, sizeof(Elf64_Rela));
        take_over(".epy.gnu.version", SHT_GNU_versym, sizeof(std::uint16_t));
        take_over(".epy.gnu.version_r", SHT_GNU_verneed, 0);
        const std::uint32_t symbols = index(section(".dynsym"));
        const std::uint32_t strings = index(section(".dynstr"));
        section(".dynsym").sh_link = strings;
        section(".dynsym").sh_info = 1; // one local symbol: the null one
        section(".hash").sh_link = symbols;
        section(".rela.dyn").sh_link = symbols;
        section(".rela.dyn").sh_size = relocations;
        section(".gnu.version").sh_link = symbols;
        section(".gnu.version_r").sh_link = strings;
        section(".gnu.version_r").sh_info = 1;
        section(".dynamic").sh_link = strings;
    }

    void fill_info() {
        info_->self = section(".epy.info").sh_addr;
        info_->resolver += info_->self; // reserve.S could only give the distance
        info_->module_init += static_cast<std::uint32_t>(info_->self);
        info_->flags = epy::stub_sealed;
        info_->trampolines = extent(".epy.trampolines");
        info_->slots = extent(".epy.slots");
        info_->symbols = extent(".dynsym");
        info_->strings = extent(".dynstr");
        info_->hash = extent(".hash");
        info_->versions = extent(".gnu.version");
        info_->definitions = extent(".epy.gnu.version_d");
    }

    std::vector<char> &bytes_;
    image image_;
    stub_info *info_;
};

} // namespace

int main(int count, char **arguments) {
    if (count != 3) {
        fail("usage: seal LINKED SEALED");
    }
    std::ifstream input(arguments[1], std::ios::binary);
    std::vector<char> bytes((std::istreambuf_iterator<char>(input)), {});
    linked_stub(bytes).seal();
    std::ofstream output(arguments[2], std::ios::binary | std::ios::trunc);
    output.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    output.close();
    if (!output) {
        fail("cannot write the sealed stub");
    }
    return 0;
}
