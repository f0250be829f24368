// The contract between a plugin (a stamped copy of the stub), the stamper and the loader.
//
// A plugin carries one `stub_info`. It is written by the linker, by `seal` and by the stamper, and
// says where everything lies as link-time addresses (what `readelf` prints), so that it means the
// same in a file's bytes and in a mapped image.
//
// Nothing else crosses the line between stub and loader. A change of any offset or meaning below is
// a new contract version; the loader serves every version that it lists and refuses others:
//   1  the first
//   2  checksums and what they need: `record::points`, `stub_info::errors` and what follows it;
//      the loader keeps nothing in the image
//   3  what a plugin brings along to need no epy: `stub_info::pack`
//   4  `stub_own_gil`, which an earlier loader would not mind
// A plugin says the first that serves what it needs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "stub/layout.h"

namespace epy {

inline constexpr std::uint32_t contract_version = 4;        // the newest that is served
inline constexpr std::uint32_t oldest_contract_version = 1; // that is served
inline constexpr std::uint32_t first_with_checksums = 2;
inline constexpr std::uint32_t first_with_pack = 3;
inline constexpr std::uint32_t first_with_own_gil = 4;
inline constexpr std::uint32_t contract_of_stub = first_with_pack; // before it is stamped
inline constexpr char stub_magic[16] = "epy plugin stub";

// How a result travels (System V psABI x86-64, 3.2.3 "Returning of Values").
enum class result_class : std::uint8_t {
    registers = EPY_RESULT_REGISTERS,
    int_sse = EPY_RESULT_INT_SSE,
    sse_int = EPY_RESULT_SSE_INT,
    x87 = EPY_RESULT_X87,
    memory = EPY_RESULT_MEMORY,
};

struct stub_info;

// What a slot points to. A record is never changed after it was published, and never freed while
// its plugin is loaded: whoever is entered through a trampoline takes everything from the record in
// %r11.
struct record {
    void (*code)();           // where the trampoline jumps
    stub_info *owner;         // null for callbacks that are no plugin's
    std::uint32_t index;      // of the slot
    result_class result;      // how the error value travels
    std::uint8_t points;      // 1: error[0] is an address in the image, 2: error[1] is
    std::uint8_t reserved[2]; // zero
    std::uint64_t error[2];   // the declared error value, as register contents
    std::uint64_t error_size; // bytes to write for result_class::memory
};

// Address and size in bytes, relative to the plugin's load address.
struct extent {
    std::uint64_t address;
    std::uint64_t size;
};

// What a plugin's first call, constructor and destructor find in libepy.so under `loader_symbol`.
struct loader_api {
    std::uint32_t oldest_contract;
    std::uint32_t newest_contract;
    // Second stage of the resolver. Entered by a jump with every argument register as the host set
    // it and %r11 = the record; never called.
    void (*resolve)();
    // Start the plugin now (constructor of an eager or bare plugin).
    void (*attach)(stub_info *) noexcept;
    // The destructor of a plugin that the loader knows.
    void (*unload)(stub_info *) noexcept;
    // Since contract 2: a Python imports the plugin as a module. A PyModuleDef *, or null with an
    // exception.
    void *(*module_init)(const stub_info *) noexcept;
};

inline constexpr char loader_symbol[] = "epy_loader";
inline constexpr char host_api_symbol[] = "epy_host_api"; // the table of loader/include/epy.h
inline constexpr char loader_soname[] = "libepy.so";

enum stub_flags : std::uint32_t {
    stub_sealed = 1,  // tables are in place: `seal` ran
    stub_eager = 2,   // attach in the constructor
    stub_bare = 4,    // no names yet: attach in the constructor, run the script that lies beside
    stub_own_gil = 8, // its interpreter has a lock of its own; contract 4
};

struct stub_info {
    char magic[16];
    std::uint32_t contract;
    std::uint32_t flags;
    std::uint64_t self;     // address of this struct
    std::uint64_t resolver; // address of the first stage: the code of every record in the file
    std::uint32_t slot_capacity;
    std::uint32_t slots_used; // named or not; grows at run time
    extent trampolines;
    extent slots;
    extent records;                // of the slots used in the file
    extent symbols;                // .dynsym, capacity
    extent strings;                // .dynstr, capacity
    extent hash;                   // .hash, capacity
    extent versions;               // .gnu.version, capacity
    extent definitions;            // .gnu.version_d, capacity
    std::uint32_t symbols_used;    // imports and the null symbol included; grows at run time
    std::uint32_t strings_used;    // bytes; grows at run time
    extent archive;                // manifest and modules: epy's Python side reads it
    std::uint64_t loader_path;     // address of a NUL-terminated string, 0 if absent
    std::uint64_t libpython_path;  // likewise
    std::uint64_t executable_path; // likewise: the Python executable, of a venv or not

    std::uint64_t kept[2]; // zero; stubs and loaders of contract 1 keep pointers here

    // The next definition of a name after this plugin in the process's search order, or null.
    void *(*next_function)(const char *name);

    // Since contract 2.
    extent errors;               // what error values of records lead to
    extent data;                 // exported data and what it leads to
    std::uint64_t files;         // how many bytes at the archive's end are read when asked for
    std::uint32_t data_checksum; // integrity.h says what each covers
    std::uint32_t records_checksum;
    std::uint32_t start_checksum; // of all above, too, but what is written at run time
    std::uint32_t module_init;    // address of what Python calls to import the plugin

    // Since contract 3.
    extent pack; // pack.h: the loader, cores and modules of a plugin that brings them along
};

// How much of it a plugin of a contract has.
constexpr std::uint64_t info_size(std::uint32_t contract) noexcept {
    return contract < first_with_checksums ? offsetof(stub_info, errors)
           : contract < first_with_pack    ? offsetof(stub_info, pack)
                                           : sizeof(stub_info);
}

static_assert(offsetof(record, code) == EPY_RECORD_CODE);
static_assert(offsetof(record, owner) == EPY_RECORD_OWNER);
static_assert(offsetof(record, index) == EPY_RECORD_INDEX);
static_assert(offsetof(record, result) == EPY_RECORD_RESULT);
static_assert(offsetof(record, points) == 21);
static_assert(offsetof(record, reserved) == 22);
static_assert(offsetof(record, error) == EPY_RECORD_ERROR);
static_assert(offsetof(record, error_size) == EPY_RECORD_ERROR_SIZE);
static_assert(sizeof(record) == EPY_RECORD_SIZE);

static_assert(offsetof(stub_info, magic) == 0);
static_assert(offsetof(stub_info, contract) == 16);
static_assert(offsetof(stub_info, flags) == 20);
static_assert(offsetof(stub_info, self) == 24);
static_assert(offsetof(stub_info, resolver) == 32);
static_assert(offsetof(stub_info, slot_capacity) == 40);
static_assert(offsetof(stub_info, slots_used) == 44);
static_assert(offsetof(stub_info, trampolines) == 48);
static_assert(offsetof(stub_info, slots) == 64);
static_assert(offsetof(stub_info, records) == 80);
static_assert(offsetof(stub_info, symbols) == 96);
static_assert(offsetof(stub_info, strings) == 112);
static_assert(offsetof(stub_info, hash) == 128);
static_assert(offsetof(stub_info, versions) == 144);
static_assert(offsetof(stub_info, definitions) == 160);
static_assert(offsetof(stub_info, symbols_used) == 176);
static_assert(offsetof(stub_info, strings_used) == 180);
static_assert(offsetof(stub_info, archive) == 184);
static_assert(offsetof(stub_info, loader_path) == 200);
static_assert(offsetof(stub_info, libpython_path) == 208);
static_assert(offsetof(stub_info, executable_path) == 216);
static_assert(offsetof(stub_info, kept) == 224);
static_assert(offsetof(stub_info, next_function) == EPY_INFO_NEXT_FUNCTION);
static_assert(offsetof(stub_info, module_init) == EPY_INFO_MODULE_INIT);
static_assert(offsetof(stub_info, errors) == 248);
static_assert(offsetof(stub_info, data) == 264);
static_assert(offsetof(stub_info, files) == 280);
static_assert(offsetof(stub_info, data_checksum) == 288);
static_assert(offsetof(stub_info, records_checksum) == 292);
static_assert(offsetof(stub_info, start_checksum) == 296);
static_assert(offsetof(stub_info, pack) == 304);
static_assert(sizeof(stub_info) == EPY_INFO_SIZE);

} // namespace epy
