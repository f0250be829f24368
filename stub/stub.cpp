// The code of a plugin: first stage of the resolver, constructor, destructor.
//
// It runs inside any host, before and after Python, and can be unmapped by dlclose. So it is
// freestanding: no libstdc++, no allocation; the few libc functions it imports carry no version and
// are found in whichever libc the host has.
//
//   host -> trampoline -> record.code = epy_stub_resolver (saves every argument register)
//        -> epy_stub_resolve: opens libepy.so
//        -> jumps to loader_api::resolve with %r11 = record: nothing of the stub is on the stack
//           while Python starts.
#include "stub/stub.h"
#include "stub/checksum.h"
#include "stub/finding.h"
#include "stub/memory_object.h"
#include "stub/pack.h"
#include "stub/records.h"
#include "stub/trust.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <unistd.h>

using epy::loader_api;
using epy::record;
using epy::stub_info;

namespace {

struct jump {
    void (*code)();
    const record *r11;
};

} // namespace

extern "C" {
[[gnu::visibility("hidden")]] extern stub_info epy_stub_info;
// The linker's own name for what lies at address 0.
[[gnu::visibility("hidden")]] extern const Elf64_Ehdr __ehdr_start; // NOLINT
[[gnu::visibility("hidden")]] void epy_stub_error_value();
}

namespace {

std::uintptr_t load_address() { return reinterpret_cast<std::uintptr_t>(&__ehdr_start); }

// ---- what stub_info says, read with checks: the file may be damaged

// The first of `size` bytes at a link-time address, and how many there are from there in their
// segment; null if there are fewer.
const char *bytes_at(std::uint64_t address, std::uint64_t size, std::uint64_t &room) {
    const auto *segments =
        reinterpret_cast<const Elf64_Phdr *>(load_address() + __ehdr_start.e_phoff);
    for (unsigned i = 0; i < __ehdr_start.e_phnum; ++i) {
        const std::uint64_t distance = address - segments[i].p_vaddr;
        if (segments[i].p_type == PT_LOAD && distance < segments[i].p_memsz) {
            room = segments[i].p_memsz - distance;
            return size <= room ? reinterpret_cast<const char *>(load_address() + address)
                                : nullptr;
        }
    }
    return nullptr;
}

template <typename T> const T *array_at(std::uint64_t address, std::uint64_t bytes) {
    std::uint64_t room = 0;
    return reinterpret_cast<const T *>(address % alignof(T) == 0 ? bytes_at(address, bytes, room)
                                                                 : nullptr);
}

const char *text_at(std::uint64_t address) {
    std::uint64_t room = 0;
    const char *text = bytes_at(address, 1, room);
    for (std::uint64_t i = 0; text != nullptr && i < room; ++i) {
        if (text[i] == '\0') {
            return text;
        }
    }
    return nullptr;
}

bool is_damaged() {
    const auto self = reinterpret_cast<std::uintptr_t>(&epy_stub_info) - load_address();
    return epy_stub_info.self != self ||
           (epy_stub_info.loader_path != 0 && text_at(epy_stub_info.loader_path) == nullptr);
}

// Whether records hold the declared error values.
bool records_are_whole() {
    const epy::extent &place = epy_stub_info.records;
    const epy::extent &errors = epy_stub_info.errors;
    const auto *records = array_at<record>(place.address, place.size);
    const char *error_bytes = array_at<char>(errors.address, errors.size);
    if (records == nullptr || (error_bytes == nullptr && errors.size != 0)) {
        return false;
    }
    std::uint32_t state = ~std::uint32_t{0};
    epy::visit_records(records, place, error_bytes, errors, load_address(),
                       [&](const void *bytes, std::uint64_t size) {
                           for (std::uint64_t i = 0; i < size; ++i) {
                               state = epy::crc32c_step(
                                   state, static_cast<const std::uint8_t *>(bytes)[i]);
                           }
                       });
    return ~state == epy_stub_info.records_checksum;
}

constexpr record returns_zero{};

const char *own_path() {
    Dl_info found{};
    return dladdr(&epy_stub_info, &found) != 0 && found.dli_fname != nullptr ? found.dli_fname
                                                                             : "?";
}

// Threads that are opening the loader. An export of this plugin may be called from inside that
// dlopen (LD_PRELOAD over malloc or getenv): such a call must not open it again.
class opening {
public:
    opening() {
        const auto self = static_cast<std::uintptr_t>(pthread_self());
        for (auto &thread : threads) {
            if (__atomic_load_n(&thread, __ATOMIC_RELAXED) == self) {
                nested_ = true;
                return;
            }
        }
        for (auto &thread : threads) {
            std::uintptr_t free = 0;
            if (__atomic_compare_exchange_n(&thread, &free, self, false, __ATOMIC_RELAXED,
                                            __ATOMIC_RELAXED)) {
                mine_ = &thread;
                return;
            }
        }
    }
    ~opening() {
        if (mine_ != nullptr) {
            __atomic_store_n(mine_, 0, __ATOMIC_RELAXED);
        }
    }
    opening(const opening &) = delete;
    opening &operator=(const opening &) = delete;

    [[nodiscard]] bool nested() const { return nested_; }

private:
    static std::uintptr_t threads[16];
    std::uintptr_t *mine_ = nullptr;
    bool nested_ = false;
};

constinit std::uintptr_t opening::threads[16] = {};

void say_once(const char *problem, const char *detail, const char *remedy) {
    static bool said = false;
    if (!__atomic_exchange_n(&said, true, __ATOMIC_RELAXED)) {
        dprintf(STDERR_FILENO, "epy: %s: %s%s; %s\n", own_path(), problem, detail, remedy);
    }
}

constexpr char install_again[] = "install epy again, or build the plugin again with 'epy build'";
// A host may have changed the root between dlopen and the first call.
constexpr char install_or_eager[] =
    "install epy again (pip install epy), or build the plugin again with 'epy build --standalone', "
    "which needs no epy; for a host that calls chroot use --eager, which starts Python when the "
    "plugin is loaded";

// A libc of its own, as dlmopen and LD_AUDIT give one, does not know the process's threads and
// locks, and what is opened there may stay for ever.
bool in_base_namespace() {
    Dl_info found{};
    link_map *map = nullptr;
    Lmid_t space = LM_ID_BASE;
    if (dladdr1(&epy_stub_info, &found, reinterpret_cast<void **>(&map), RTLD_DL_LINKMAP) != 0) {
        dlinfo(map, RTLD_DI_LMID, &space);
    }
    return space == LM_ID_BASE;
}

// In a program without a dynamic linker the libc that dlopen brings cannot make threads.
bool in_static_program() {
    const auto *segments = reinterpret_cast<const Elf64_Phdr *>(getauxval(AT_PHDR));
    const std::uint64_t count = segments == nullptr ? 0 : getauxval(AT_PHNUM);
    for (std::uint64_t i = 0; i < count; ++i) {
        if (segments[i].p_type == PT_INTERP) {
            return false;
        }
    }
    return count != 0;
}

// The way to a loader, and why none was taken.
struct loader_search {
    void *handle = nullptr;
    bool missing = true;
    char why[700] = "no path is stamped";
    epy::objection against = {}; // with raised privileges
};

bool open_if_usable(const epy::loader_candidate &one, void *argument) {
    auto &search = *static_cast<loader_search *>(argument);
    if (one.verdict == epy::usable::yes) {
        search.handle = dlopen(one.path, RTLD_NOW | RTLD_LOCAL);
        if (search.handle == nullptr) {
            search.missing = false;
            snprintf(search.why, sizeof search.why, "%s", dlerror());
        }
    } else if (one.found != nullptr && search.against.problem[0] == '\0' &&
               (one.verdict == epy::usable::untrusted || one.place == epy::loader_place::stamped)) {
        epy::describe(*one.found, one.path, search.against);
    } else if (one.verdict != epy::usable::missing || one.place == epy::loader_place::stamped) {
        search.missing = one.verdict == epy::usable::missing;
        const char *what = search.missing ? "no file %.500s"
                           : one.verdict == epy::usable::no_loader
                               ? "%.500s is no loader"
                               : "%.500s does not serve this plugin's version";
        snprintf(search.why, sizeof search.why, what, one.path);
    }
    return search.handle != nullptr;
}

// What a plugin that was built to need no epy has in itself.
bool open_own_loader(loader_search &search) {
    const epy::extent &place = epy_stub_info.pack;
    const auto *start = array_at<char>(place.address, place.size);
    const epy::packed_bytes found = epy::find_packed(start, place.size, epy::loader_soname);
    search.missing = false;
    if (found.start == nullptr) {
        snprintf(search.why, sizeof search.why, "the one that it brings along is damaged");
        return false;
    }
    search.handle =
        epy::open_from_memory(epy::loader_soname, "/proc/self/fd", found.start, found.size);
    if (search.handle == nullptr) {
        const char *why = dlerror();
        snprintf(search.why, sizeof search.why, "the one that it brings along cannot be opened: %s",
                 why == nullptr ? "no folder takes it" : why);
    }
    return search.handle != nullptr;
}

// The C library's texts of errors as they are: to translate one it may load conversions, under a
// lock that the host may hold.
class untranslated {
public:
    untranslated() : before_(uselocale(newlocale(LC_ALL_MASK, "C", nullptr))) {}
    ~untranslated() { uselocale(before_); }
    untranslated(const untranslated &) = delete;
    untranslated &operator=(const untranslated &) = delete;

private:
    locale_t before_;
};

// Null after saying why. Not inlined: the search takes room on a stack that may be small.
[[gnu::noinline]] void *find_and_open_loader() {
    const char *stamped =
        epy_stub_info.loader_path == 0 ? nullptr : text_at(epy_stub_info.loader_path);
    const epy::loader_request wanted{own_path(), stamped, epy_stub_info.contract};
    loader_search search;
    if (epy::look_at_named_loaders(wanted, open_if_usable, &search)) {
        return search.handle;
    }
    if (epy_stub_info.pack.size != 0 && open_own_loader(search)) {
        return search.handle;
    }
    if (epy::look_at_installed_loaders(wanted, open_if_usable, &search)) {
        return search.handle;
    }
    if (search.against.problem[0] != '\0') {
        say_once(search.against.problem, "", search.against.remedy);
        return nullptr;
    }
    char problem[1024];
    snprintf(problem, sizeof problem,
             "cannot open epy's loader: %s; none in the folder epy beside the plugin, in EPY_HOME, "
             "of a Python on PATH or in /usr/local or /usr serves it either",
             search.why);
    say_once(problem, "", search.missing ? install_or_eager : install_again);
    return nullptr;
}

const loader_api *opened_loader = nullptr;

// One loader per process: one that is there already, whichever plugin brought it.
const loader_api *open_loader() {
    const untranslated here;
    if (is_damaged()) {
        say_once("is damaged", "", "build it again with 'epy build'");
        return nullptr;
    }
    if (!in_base_namespace()) {
        say_once("loaded by dlmopen into a namespace of its own", ", where Python cannot run",
                 "load it with dlopen");
        return nullptr;
    }
    if (in_static_program()) {
        say_once("loaded by a static program", ", where Python cannot run",
                 "link the program without -static");
        return nullptr;
    }
    void *handle = dlopen(epy::loader_soname, RTLD_NOW | RTLD_NOLOAD);
    if (handle == nullptr) {
        handle = find_and_open_loader();
    }
    if (handle == nullptr) {
        return nullptr;
    }
    const auto *api = static_cast<const loader_api *>(dlsym(handle, epy::loader_symbol));
    if (api == nullptr || epy_stub_info.contract < api->oldest_contract ||
        epy_stub_info.contract > api->newest_contract) {
        say_once("the loader in this process does not serve this plugin's version", "",
                 install_again);
        return nullptr;
    }
    __atomic_store_n(&opened_loader, api, __ATOMIC_RELEASE);
    return api;
}

const loader_api *find_loader() {
    const loader_api *api = __atomic_load_n(&opened_loader, __ATOMIC_ACQUIRE);
    if (api != nullptr) {
        return api;
    }
    const opening guard;
    return guard.nested() ? nullptr : open_loader();
}

// The name of slot `index`, or null if it has none.
const char *name_of(std::uint32_t index) {
    const std::uint64_t address =
        epy_stub_info.trampolines.address + std::uint64_t{index} * EPY_TRAMPOLINE_SIZE;
    const auto *symbols = array_at<Elf64_Sym>(epy_stub_info.symbols.address,
                                              epy_stub_info.symbols_used * sizeof(Elf64_Sym));
    for (std::uint32_t i = 0; symbols != nullptr && i < epy_stub_info.symbols_used; ++i) {
        if (symbols[i].st_value == address && symbols[i].st_shndx != SHN_UNDEF) {
            return text_at(epy_stub_info.strings.address + symbols[i].st_name);
        }
    }
    return nullptr;
}

} // namespace

extern "C" {

// dlsym looks behind the object that calls it: the call must be made from here, and not as a tail
// call.
[[gnu::visibility("hidden"), gnu::noinline]] void *epy_stub_next(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    __asm__ volatile("" : "+r"(found));
    return found;
}

// PyInit_NAME, for a Python that finds plugin.so where it looks for plugin.py. Python keeps the
// plugin open: nothing of the stub is unmapped under this call.
[[gnu::visibility("hidden")]] void *epy_stub_module_init() noexcept {
    const loader_api *api = find_loader();
    return api == nullptr ? nullptr : api->module_init(&epy_stub_info);
}

[[gnu::visibility("hidden")]] jump epy_stub_resolve(const record *called) noexcept {
    const int saved_errno = errno;
    jump next{nullptr, called};
    if (const loader_api *api = find_loader(); api != nullptr) {
        next.code = api->resolve;
    } else if (const char *name = is_damaged() ? nullptr : name_of(called->index);
               name != nullptr) {
        next.code = reinterpret_cast<void (*)()>(epy_stub_next(name));
    }
    if (next.code == nullptr) {
        next = {epy_stub_error_value, records_are_whole() ? called : &returns_zero};
    }
    errno = saved_errno;
    return next;
}

} // extern "C"

namespace {

[[gnu::constructor]] void on_load() {
    if ((epy_stub_info.flags & (epy::stub_eager | epy::stub_bare)) == 0) {
        return;
    }
    if (const loader_api *api = find_loader(); api != nullptr) {
        api->attach(&epy_stub_info);
    }
}

[[gnu::destructor]] void on_unload() {
    const loader_api *api = __atomic_load_n(&opened_loader, __ATOMIC_ACQUIRE);
    if (api != nullptr) {
        api->unload(&epy_stub_info);
    }
}

} // namespace
