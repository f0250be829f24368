// The table writer on the real stub: what it writes, what it refuses, and that readers in other
// threads see whole names only.
#include "stub/tables.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <link.h>

#include <atomic>
#include <cstring>
#include <set>
#include <thread>

#include "stub_file.h"

namespace epy {

namespace {

using test::stub_file;
using test::temporary_folder;

std::string numbered(std::string name, std::uint32_t number) {
    name += std::to_string(number);
    return name;
}

class Tables : public testing::Test {
protected:
    void SetUp() override { ASSERT_EQ(stub_.open(), status::ok); }

    // What `open` says of a copy that ends here and of which no byte behind may be read.
    [[nodiscard]] status opened_when_cut_to(std::size_t size) const {
        std::vector<char> bytes(stub_.bytes.begin(), stub_.bytes.begin() + std::ptrdiff_t(size));
        bytes.shrink_to_fit();
        const image file = image::of_file(bytes.data(), bytes.size());
        tables found;
        const status checked = file.check();
        return checked == status::ok ? tables::open(file, file.find_info(), found) : checked;
    }

    stub_file stub_;
};

TEST_F(Tables, FindAnAppendedName) {
    EXPECT_FALSE(stub_.names.contains("synth_open"));
    EXPECT_EQ(stub_.name_slot("synth_open", 7), status::ok);
    EXPECT_TRUE(stub_.names.contains("synth_open"));
    EXPECT_FALSE(stub_.names.contains("synth_ope"));
    EXPECT_STREQ(stub_.names.name_of_slot(7), "synth_open");
    EXPECT_EQ(stub_.names.name_of_slot(8), nullptr);
}

TEST_F(Tables, KeepWhatTheStubItselfNeeds) {
    EXPECT_TRUE(stub_.names.contains("dlopen") || stub_.info().symbols_used > 1);
    const std::uint32_t before = stub_.info().symbols_used;
    EXPECT_EQ(stub_.name_slot("one", 0), status::ok);
    EXPECT_EQ(stub_.info().symbols_used, before + 1);
}

TEST_F(Tables, RefuseADuplicate) {
    EXPECT_EQ(stub_.name_slot("twice", 0), status::ok);
    const stub_info before = stub_.info();
    EXPECT_EQ(stub_.name_slot("twice", 1), status::duplicate);
    EXPECT_EQ(std::memcmp(&before, &stub_.info(), sizeof before), 0);
}

TEST_F(Tables, RefuseAnEmptyName) { EXPECT_EQ(stub_.name_slot("", 0), status::bad_name); }

TEST_F(Tables, TakeLongAndForeignNames) {
    const std::string name(500, 'n');
    EXPECT_EQ(stub_.name_slot(name, 0), status::ok);
    EXPECT_EQ(stub_.name_slot("größe", 1), status::ok);
    EXPECT_STREQ(stub_.names.name_of_slot(0), name.c_str());
    EXPECT_STREQ(stub_.names.name_of_slot(1), "größe");
}

TEST_F(Tables, HoldEveryExportAndNotOneMore) {
    const auto capacity = std::uint32_t(stub_.info().symbols.size / sizeof(Elf64_Sym));
    ASSERT_GE(capacity - stub_.info().symbols_used, stub_.info().slot_capacity);
    std::uint32_t index = 0;
    while (stub_.info().symbols_used < capacity) {
        ASSERT_EQ(stub_.name_slot(numbered("f", index), index), status::ok);
        ++index;
    }
    EXPECT_EQ(stub_.name_slot("one_more", 0), status::no_symbols_left);
    for (std::uint32_t i = 0; i < index; ++i) {
        EXPECT_TRUE(stub_.names.contains(numbered("f", i).c_str()));
    }
    EXPECT_EQ(stub_.open(), status::ok);
}

TEST_F(Tables, FillTheStringsToTheLastByte) {
    const std::size_t room = stub_.info().strings.size - stub_.info().strings_used;
    EXPECT_EQ(stub_.name_slot(std::string(room, 'n'), 0), status::no_strings_left);
    EXPECT_EQ(stub_.name_slot(std::string(room - 1, 'n'), 0), status::ok);
    EXPECT_EQ(stub_.info().strings_used, stub_.info().strings.size);
    EXPECT_EQ(stub_.name_slot("f", 1), status::no_strings_left);
    EXPECT_TRUE(stub_.names.contains(std::string(room - 1, 'n').c_str()));
    EXPECT_EQ(stub_.open(), status::ok);
}

TEST_F(Tables, SetTheSoname) {
    EXPECT_EQ(stub_.names.set_soname(stub_.file(), "libsynth.so"), status::ok);
    const temporary_folder folder;
    test::write_file(folder / "copy.so", stub_.bytes);
    void *handle = dlopen((folder / "copy.so").c_str(), RTLD_NOW);
    ASSERT_NE(handle, nullptr) << dlerror();
    void *same = dlopen("libsynth.so", RTLD_NOW | RTLD_NOLOAD);
    EXPECT_EQ(same, handle);
    dlclose(same);
    dlclose(handle);
}

TEST_F(Tables, MakeNamesThatTheDynamicLoaderFinds) {
    EXPECT_EQ(stub_.name_slot("first", 0), status::ok);
    EXPECT_EQ(stub_.name_slot("second", 1), status::ok);
    const temporary_folder folder;
    test::write_file(folder / "copy.so", stub_.bytes);
    void *handle = dlopen((folder / "copy.so").c_str(), RTLD_NOW);
    ASSERT_NE(handle, nullptr) << dlerror();
    auto *first = static_cast<char *>(dlsym(handle, "first"));
    auto *second = static_cast<char *>(dlsym(handle, "second"));
    EXPECT_NE(first, nullptr);
    EXPECT_EQ(second, first + EPY_TRAMPOLINE_SIZE);
    EXPECT_EQ(dlsym(handle, "third"), nullptr);
    dlclose(handle);
}

TEST_F(Tables, RefuseATruncatedFile) {
    std::set<std::size_t> boundaries = {0,
                                        4,
                                        EI_NIDENT,
                                        sizeof(Elf64_Ehdr),
                                        stub_.header().e_phoff,
                                        stub_.header().e_shoff,
                                        stub_.bytes.size()};
    for (unsigned i = 0; i < stub_.header().e_phnum; ++i) {
        const Elf64_Phdr &segment = stub_.segments()[i];
        boundaries.insert(stub_.header().e_phoff + i * sizeof(Elf64_Phdr));
        boundaries.insert({segment.p_offset, segment.p_offset + segment.p_filesz});
    }
    for (const std::size_t boundary : boundaries) {
        for (const std::size_t size : {boundary - 1, boundary, boundary + 1}) {
            if (size < stub_.bytes.size()) {
                const status found = opened_when_cut_to(size);
                EXPECT_EQ(found, size < SELFMAG ? status::not_elf : status::truncated) << size;
            }
        }
    }
}

TEST_F(Tables, RefuseWhatIsNoElfFile) {
    stub_.bytes[1] = 'e';
    EXPECT_EQ(stub_.open(), status::not_elf);
}

TEST_F(Tables, RefuseAnExecutable) {
    stub_.header().e_type = ET_EXEC;
    EXPECT_EQ(stub_.open(), status::not_elf);
}

TEST_F(Tables, RefuseAnotherMachine) {
    stub_.header().e_machine = EM_AARCH64;
    EXPECT_EQ(stub_.open(), status::other_machine);
}

TEST_F(Tables, RefuseAnotherWordSize) {
    stub_.header().e_ident[EI_CLASS] = ELFCLASS32;
    EXPECT_EQ(stub_.open(), status::other_machine);
}

TEST_F(Tables, RefuseALibraryThatIsNoPlugin) {
    stub_.info().magic[0] = 'E';
    EXPECT_EQ(stub_.open(), status::no_stub);
}

TEST_F(Tables, RefuseAnotherContract) {
    stub_.info().contract = contract_version + 1;
    EXPECT_EQ(stub_.open(), status::other_contract);
}

TEST_F(Tables, RefuseAnUnsealedStub) {
    stub_.info().flags = 0;
    EXPECT_EQ(stub_.open(), status::other_contract);
}

TEST_F(Tables, RefuseMovedTables) {
    for (const std::int64_t tag : {DT_SYMTAB, DT_STRTAB, DT_HASH, DT_VERSYM}) {
        stub_file moved;
        moved.file().dynamic(tag)->d_un.d_ptr += 64;
        EXPECT_EQ(moved.open(), status::moved) << tag;
        moved.file().dynamic(tag)->d_tag = 0x6ffffef6;
        EXPECT_EQ(moved.open(), status::moved) << tag;
    }
}

TEST_F(Tables, RefuseTablesOutsideTheFile) {
    for (extent stub_info::*table : {&stub_info::symbols, &stub_info::strings, &stub_info::hash,
                                     &stub_info::versions, &stub_info::definitions}) {
        for (const std::uint64_t size : {std::uint64_t{1} << 30U, UINT64_MAX, UINT64_MAX - 63}) {
            stub_file broken;
            (broken.info().*table).size = size;
            EXPECT_NE(broken.open(), status::ok);
        }
        for (const std::uint64_t address : {std::uint64_t{1} << 30U, UINT64_MAX - 63}) {
            stub_file broken;
            (broken.info().*table).address = address;
            EXPECT_NE(broken.open(), status::ok);
        }
    }
}

TEST_F(Tables, RefuseCountsBeyondTheTables) {
    stub_file symbols;
    symbols.info().symbols_used = UINT32_MAX;
    EXPECT_EQ(symbols.open(), status::damaged);
    stub_file strings;
    strings.info().strings_used = std::uint32_t(strings.info().strings.size) + 1;
    EXPECT_EQ(strings.open(), status::damaged);
}

TEST_F(Tables, EndASearchInAChainThatIsACircle) {
    ASSERT_EQ(stub_.name_slot("one", 0), status::ok);
    auto *hash = static_cast<std::uint32_t *>(
        stub_.file().at(stub_.info().hash.address, stub_.info().hash.size));
    const std::uint32_t own = stub_.info().symbols_used - 1;
    hash[2 + EPY_BUCKET_COUNT + own] = own;
    for (std::uint32_t i = 0; i < EPY_BUCKET_COUNT; ++i) {
        hash[2 + i] = own;
    }
    EXPECT_FALSE(stub_.names.contains("another"));
}

// The reader of names is dlsym itself, while one thread names slots of the mapped image.
TEST_F(Tables, LetReadersSeeWholeNamesWhileTheyAreAppended) {
    constexpr std::uint32_t count = 900;
    const temporary_folder folder;
    test::write_file(folder / "copy.so", stub_.bytes);
    void *handle = dlopen((folder / "copy.so").c_str(), RTLD_NOW);
    ASSERT_NE(handle, nullptr) << dlerror();
    link_map *map = nullptr;
    ASSERT_EQ(dlinfo(handle, RTLD_DI_LINKMAP, static_cast<void *>(&map)), 0);
    auto *base = reinterpret_cast<char *>(map->l_addr);
    const image mapped = image::of_mapped(base);
    tables names;
    ASSERT_EQ(tables::open(mapped, mapped.find_info(), names), status::ok);
    const std::uint64_t trampolines = names.info().trampolines.address;

    std::atomic<bool> done = false;
    std::atomic<int> wrong = 0;
    std::atomic<int> seen = 0;
    std::vector<std::jthread> readers;
    for (std::uint32_t reader = 0; reader < 3; ++reader) {
        readers.emplace_back([&, reader] {
            for (std::uint32_t i = reader; !done; i = (i + 7) % count) {
                const void *found = dlsym(handle, numbered("name_", i).c_str());
                if (found != nullptr) {
                    ++seen;
                    wrong += found != base + trampolines + std::uint64_t{i} * EPY_TRAMPOLINE_SIZE;
                }
            }
        });
    }
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::string name = numbered("name_", i);
        const symbol added{name.c_str(), trampolines + std::uint64_t{i} * EPY_TRAMPOLINE_SIZE,
                           EPY_TRAMPOLINE_SIZE, false, 1};
        EXPECT_EQ(names.append(added), status::ok);
        std::this_thread::yield();
    }
    while (seen == 0) {
        std::this_thread::yield();
    }
    done = true;
    readers.clear();
    EXPECT_EQ(wrong, 0);
    for (std::uint32_t i = 0; i < count; ++i) {
        EXPECT_NE(dlsym(handle, numbered("name_", i).c_str()), nullptr) << i;
    }
    dlclose(handle);
}

} // namespace

} // namespace epy
